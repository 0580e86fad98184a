// The keys that sign receipts, in a file that only this user can read. Public keys stay for good, so that
// every receipt can be checked for ever; of private keys only the newest is kept.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import * as z from 'zod'

import type { Config } from '../config.ts'
import { ConfigError } from '../config.ts'
import { makeKey, signReceipt } from '../receipts/receipt.ts'
import type { PrivateKey, PublicKey } from '../receipts/receipt.ts'
import type { ReceiptKeys } from '../receipts/receipt-keys.ts'
import { keepFile } from './keep-file.ts'

const shown = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.literal('EdDSA'),
})

/** Newest first. */
const file = z.strictObject({ current: z.string(), keys: z.array(shown).min(1) })

type Kept = z.output<typeof file>

export async function openReceiptKeys({
  dataFolder,
}: Pick<Config, 'dataFolder'>): Promise<ReceiptKeys> {
  const path = join(dataFolder, 'receipt-keys.json')
  let kept = (await readKept(path)) ?? (await keep(path, await makeKey(), []))
  let turning: Promise<unknown> = Promise.resolve()
  const rotate = async (): Promise<string> => {
    kept = await keep(path, await makeKey(), kept.keys)
    return newest(kept).shown.kid
  }
  return Object.freeze<ReceiptKeys>({
    sign: (claims) => signReceipt(claims, newest(kept)),
    publicKeys: () => kept.keys,
    // One after the other: two at once would each forget the other's key.
    rotate: () => {
      const turned = turning.then(rotate)
      turning = turned.catch(() => undefined)
      return turned
    },
  })
}

function newest({ current, keys: [first] }: Kept): PrivateKey {
  if (first === undefined) throw new Error('there is a key of receipts')
  return { shown: first, d: current }
}

/** Durable before anything is signed with it: a receipt whose key is lost could never be checked. */
async function keep(
  path: string,
  { shown: made, d }: PrivateKey,
  earlier: readonly PublicKey[],
): Promise<Kept> {
  const kept: Kept = { current: d, keys: [made, ...earlier] }
  await keepFile(path, `${JSON.stringify(kept, null, 2)}\n`)
  return kept
}

// A file that cannot be read is never replaced: the public keys of earlier receipts are in it.
async function readKept(path: string): Promise<Kept | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  const read = file.safeParse(parse(text))
  if (read.success) return read.data
  throw new ConfigError(
    `${path} cannot be read as the keys of receipts. Put it back from a backup; without it earlier ` +
      'receipts cannot be checked. To begin anew all the same, move it away.',
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
