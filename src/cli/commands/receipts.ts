// Receipts, checked without the service; the key that signs them; and what is taken out of a payment for
// good.
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'

import { readClientSettings } from '../../config.ts'
import type { ReceiptClaims } from '../../receipts/claims.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, Stop, usageError } from '../exit.ts'
import type { Terminal } from '../terminal.ts'

/** A receipt has about a thousand bytes, a key a hundred. */
const maxReceiptBytes = 65_536
const maxKeysBytes = 1_048_576
const fetchWithinMs = 10_000

const show: Command = {
  name: 'payments receipt',
  operands: 'ID',
  summary: 'the signed receipt of a payment that is at its end',
  about: `
Prints the receipt as a compact JWS, to be kept or sent on: \`receipts verify\` checks it without the
service. --json prints it with its claims. While the outcome is open or unknown there is none.`,
  examples: ['quittance payments receipt pay_01JD4Z0M8Q > receipt.jws'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'reader')
    const { receipt } = expectOk(await client.receipt(words.operands[0] ?? ''))
    terminal.out(words.is('json') ? JSON.stringify(receipt) : receipt.jws)
    return exitCodes.ok
  },
}

const verify: Command = {
  name: 'receipts verify',
  operands: 'FILE',
  summary: 'is this receipt genuine and unchanged?',
  about: `
Checks the signature of a receipt (a JWS, or what GET /v1/payments/{id}/receipt answers; - reads standard
input) against the public keys: a file, or an address. Without --jwks the keys of the service are read.
With a file it needs no network. Exits 0 where it holds, 1 where it does not.`,
  examples: [
    'quittance receipts verify receipt.jws --jwks keys.json',
    'quittance receipts verify receipt.jws --jwks https://payments.example.com/.well-known/jwks.json',
  ],
  options: {
    ...remoteOptions,
    jwks: { value: 'FILE|URL', what: 'the public keys (the service’s /.well-known/jwks.json)' },
  },
  run: async (words, terminal) => {
    const text = await readText(words.operands[0] ?? '', maxReceiptBytes)
    const keys = keysIn(await readKeys(words))
    const { verifyReceipt } = await import('../../receipts/receipt.ts')
    const verified = await verifyReceipt(jwsIn(text), keys)
    if (words.is('json')) terminal.out(JSON.stringify(verified))
    else if (verified.valid) sheet(verified.claims, verified.kid, terminal)
    else terminal.out(`not valid: ${verified.why}`)
    return verified.valid ? exitCodes.ok : exitCodes.failed
  },
}

function sheet(claims: ReceiptClaims, kid: string, terminal: Terminal): void {
  terminal.out(`valid, signed with ${kid}`)
  if (!claims.livemode) terminal.out('TEST: no real money moved')
  for (const [name, value] of Object.entries(claims)) {
    if (value !== null) terminal.out(`  ${name.padEnd(20)}${String(value)}`)
  }
}

async function readText(path: string, maxBytes: number): Promise<string> {
  const reading = path === '-' ? buffer(process.stdin) : readFile(path)
  const bytes = await reading.catch(() => {
    throw usageError(`${path} cannot be read.`)
  })
  if (bytes.byteLength <= maxBytes) return bytes.toString('utf8')
  throw usageError(`${path} is larger than ${maxBytes} bytes: that is something else.`)
}

/** The JWS itself, or the answer of the service around it. */
function jwsIn(text: string): string {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{')) return trimmed
  const parsed = parse(trimmed, 'The receipt')
  const { jws } = parsed as { readonly jws?: unknown } // looked at in the next line
  if (typeof jws === 'string') return jws
  throw usageError('The receipt is JSON without a `jws`.')
}

async function readKeys(words: Words): Promise<string> {
  const given = words.text('jwks')
  if (given !== null && !/^https?:\/\//.test(given)) return readText(given, maxKeysBytes)
  const service = words.text('url') ?? readClientSettings().url
  const url = given ?? `${service.replace(/\/+$/, '')}/.well-known/jwks.json`
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.timeout(fetchWithinMs),
    })
    const text = await response.text()
    if (response.ok && text.length <= maxKeysBytes) return text
    throw new Error(`it answers ${response.status}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Stop(
      exitCodes.unreachable,
      `The keys at ${url} cannot be read (${why}). --jwks FILE reads them from a file.`,
    )
  }
}

function keysIn(text: string): readonly unknown[] {
  const { keys } = parse(text, 'The list of keys') as { readonly keys?: unknown } // looked at below
  if (Array.isArray(keys)) return keys
  throw usageError('The list of keys has no `keys`: it must be a JWKS.')
}

function parse(text: string, what: string): object {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed
  } catch {
    // As below.
  }
  throw usageError(`${what} is not JSON.`)
}

const rotate: Command = {
  name: 'receipts rotate-key',
  summary: 'sign receipts with a new key from now on',
  about: `
Makes a new key. The public parts of all earlier ones stay in /.well-known/jwks.json, so that earlier
receipts stay valid; their private parts are forgotten.`,
  examples: ['quittance receipts rotate-key --reason "once a year"'],
  options: {
    ...remoteOptions,
    reason: { value: 'TEXT', what: 'why; kept in the audit (required)' },
  },
  run: async (words, terminal) => {
    const reason = words.needed('reason', 'it is kept in the audit')
    const client = await connect(words, 'operator')
    const { kid } = expectOk(await client.rotateReceiptKey({ reason }))
    terminal.out(words.is('json') ? JSON.stringify({ kid }) : `new key ${kid}`)
    return exitCodes.ok
  },
}

const redact: Command = {
  name: 'payments redact',
  operands: 'ID',
  summary: 'take description and metadata out of a payment, for good',
  about: `
For what people may ask to be forgotten. Description and metadata go; amount, payee, reference, guards,
hashes and events stay, and a replay of the same request still finds its payment. Copies elsewhere
(backups, webhooks that were delivered) are not reached.`,
  examples: ['quittance payments redact pay_01JD4Z0M8Q --reason "request 118"'],
  options: {
    ...remoteOptions,
    reason: { value: 'TEXT', what: 'why; kept in the audit (required)' },
  },
  run: async (words, terminal) => {
    const reason = words.needed('reason', 'it is kept in the audit')
    const client = await connect(words, 'operator')
    const { payment } = expectOk(await client.redact(words.operands[0] ?? '', { reason }))
    terminal.out(
      words.is('json')
        ? JSON.stringify(payment)
        : `${payment.id}: description and metadata are gone; the audit says who and why`,
    )
    return exitCodes.ok
  },
}

export const receiptCommands: readonly Command[] = [show, redact, verify, rotate]
