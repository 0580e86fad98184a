// Links that outlive the store. A claim leaves the hash of its key beside the payment, the processor's
// object carries it, and after a restore the rows that were rebuilt under hashes become the real ones as
// soon as somebody asks with the key, the reference or the look-alike that a hash stands for. All of it
// is put around the ports, so that nothing that a payment runs through knows of it.
import { createHash } from 'node:crypto'

import { restoreKey } from '../core/control.ts'
import type { AskedWith } from '../core/marks.ts'
import type { Action, Ids, Processor, Row, RowKey, Store, Write } from '../ports.ts'

/** What stands for the words of a reference that only its hash is left of; the hash follows. */
export const recoveredPrefix = 'recovered:'

/** No row of ours begins with this: names are escaped. */
const aliasMark = '#'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

export const keyAlias = (keyHash: string): string => `${aliasMark}${keyHash}`
export const alikeAlias = (alikeHash: string): string => `${aliasMark}${alikeHash}`
export const billAlias = (account: string, billHash: string): string =>
  `${aliasMark}${encodeURIComponent(account)}/${billHash}`

const aliasedTables: readonly string[] = ['key', 'look_alike', 'reference']

/** Known without a hash: each claim asks, and hardly any store was ever restored. */
const mayHaveAlias = ({ table, key }: RowKey): boolean =>
  aliasedTables.includes(table) && !key.startsWith(aliasMark)

/** The alias that stands for a row, until it is asked for by its name. */
function aliasOf({ table, key }: RowKey): RowKey | null {
  if (key.startsWith(aliasMark)) return null
  if (table === 'key') return { table, key: keyAlias(sha256(key)) }
  if (table === 'look_alike') return { table, key: alikeAlias(sha256(key)) }
  if (table !== 'reference') return null
  const [account = '', reference = '', payee = ''] = key.split('/').map(decodeURIComponent)
  // As the processor's objects carry it: payee and reference are normalised in the key already.
  const hash = createHash('sha256')
    .update(JSON.stringify([payee, reference]))
    .digest('hex')
  return { table, key: billAlias(account, hash) }
}

// ── The store ────────────────────────────────────────────────────────────────────────────────────

/** Claims leave their marks; guards that were rebuilt are found. */
export function markStore(inner: Store, ids: Ids, nowMs: () => number): Store {
  // Once there was a restore, for good; before it nothing has to be looked for.
  let wasRestored = false
  const read: Store['read'] = async (keys) => {
    if (!keys.some(mayHaveAlias)) return inner.read(keys)
    if (!wasRestored) {
      const [row] = await inner.read([{ table: 'control', key: restoreKey }])
      wasRestored = row !== null
    }
    if (wasRestored) {
      for (const key of keys) {
        const alias = aliasOf(key)
        if (alias !== null) await makeReal(inner, ids, nowMs, key, alias)
      }
    }
    return inner.read(keys)
  }
  return Object.freeze({ ...inner, read, commit: (write: Write) => inner.commit(withMarks(write)) })
}

/** Tries of a write that another request for the same rows collides with. */
const maxConflicts = 20

/** Turns a row under a hash into the row that it stands for. Rejects where that is not certain. */
async function makeReal(
  store: Store,
  ids: Ids,
  nowMs: () => number,
  real: RowKey,
  alias: RowKey,
): Promise<void> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [hashed, known] = await store.read([alias, real])
    if (hashed === null) return
    const actions: readonly Action[] = [
      ...realActions(real, hashed, known),
      { do: 'delete', ...alias, if: { version: hashed.version } },
    ]
    const { result } = await store.commit({ commitId: ids.next('cmt', nowMs()), actions })
    if (result === 'committed') return
    if (result === 'unknown') break
  }
  throw new Error('a rebuilt guard could not be put into place')
}

function realActions(
  { table, key }: RowKey,
  hashed: Row<RowKey['table']>,
  known: Row<RowKey['table']> | null,
): readonly Action[] {
  const condition = known === null ? ({ absent: true } as const) : { version: known.version }
  if (table === 'key') {
    const { value } = hashed as Row<'key'> // an alias lies in the table of what it stands for
    // A key that was claimed since names what it was claimed for.
    return known === null ? [{ do: 'put', table, key, value, if: condition }] : []
  }
  if (table === 'reference') {
    const { value } = hashed as Row<'reference'> // as above
    const current = (known as Row<'reference'> | null)?.value.paymentId ?? '' // as above
    // Ids sort by the time of the claim: of a bill's payments the last one counts.
    return value.paymentId > current ? [{ do: 'put', table, key, value, if: condition }] : []
  }
  if (table !== 'look_alike') return []
  const named = (known as Row<'look_alike'> | null)?.value.paymentIds ?? [] // as above
  const { paymentIds } = (hashed as Row<'look_alike'>).value // as above
  const value = { paymentIds: [...new Set([...named, ...paymentIds])].toSorted() }
  return [{ do: 'put', table, key, value, if: condition }]
}

// The key's row and the payment's details are written by one claim; what is known of the one goes to
// the other.
function withMarks(write: Write): Write {
  const key = write.actions.find((action) => action.do === 'put' && action.table === 'key')
  if (key?.do !== 'put' || key.table !== 'key') return write
  const asked: AskedWith = { key: sha256(key.key), request: key.value.fingerprint }
  const actions = write.actions.map((action): Action =>
    action.do === 'put' && action.table === 'details' && action.value.asked === undefined
      ? { ...action, value: { ...action.value, asked } }
      : action,
  )
  return { ...write, actions }
}

// ── The processor ────────────────────────────────────────────────────────────────────────────────

/** What makes an object tells by which key it was asked for. The marks of a claim never change. */
export function markProcessor(processor: Processor, store: Pick<Store, 'read'>): Processor {
  return Object.freeze<Processor>({
    ...processor,
    async send(call) {
      const makes = call.kind === 'create' || call.kind === 'authorise'
      if (!makes || call.attempt.request.objectId !== null) return processor.send(call)
      const { id } = call.payment
      const rows = await store.read([{ table: 'details', key: id }]).catch(() => null)
      if (rows === null) return notSent
      const asked = rows[0]?.value.asked
      if (asked === undefined) return processor.send(call)
      return processor.send({ ...call, payment: { ...call.payment, asked } })
    },
  })
}

const notSent = {
  signal: 'not_sent',
  cause: 'store_unavailable',
  object: null,
  decline: null,
  retryAfterMs: null,
  replayed: false,
  status: null,
  requestId: null,
  excerpt: null,
} as const
