// What others were told, read from the bytes that left the service: payments that agents heard of
// and how far they were, and attempts that the processor was sent. Each must be on the disk
// before.
import type { Books } from '../books.ts'
import { requestIdPrefix, webhookRowKey } from '../webhook-door.ts'
import type { Call } from './strace.ts'

export interface Promised {
  /** Payment → the highest version that anybody was told. */
  readonly payments: Map<string, number>
  readonly attempts: Set<string>
  readonly agents: Set<string>
  /** Ids of messages that the processor need not send again. */
  readonly webhooks: Set<string>
  /** The id of our installation is a part of every byte that the processor may compare. */
  readonly installations: Set<string>
}

export const nothingPromised = (): Promised => ({
  payments: new Map(),
  attempts: new Set(),
  agents: new Set(),
  webhooks: new Set(),
  installations: new Set(),
})

/** Does this send tell something that must survive? Notes it. */
export function note(promised: Promised, call: Extract<Call, { do: 'send' }>, servicePort: number) {
  const text = call.data.toString('latin1')
  if (call.localPort === servicePort) {
    for (const [, id = '', rest = ''] of text.matchAll(/"id":"(pay_\w+)"(.*?)(?="id":"pay_|$)/gs)) {
      const version = Number(/"version":(\d+)/.exec(rest)?.[1] ?? 1)
      promised.payments.set(id, Math.max(version, promised.payments.get(id) ?? 0))
    }
    for (const [, id = ''] of text.matchAll(/"object":"agent","id":"([^"]+)"/g)) {
      promised.agents.add(id)
    }
    const webhook = acknowledgement.exec(text)?.[1]
    if (webhook !== undefined) promised.webhooks.add(webhook)
    return
  }
  if (!text.startsWith('POST ')) return
  const attempt = /\r\nidempotency-key: (\S+)\r\n/i.exec(text)?.[1]
  if (attempt !== undefined) promised.attempts.add(attempt)
  const installation = /"installation":"(\w+)"/.exec(text)?.[1]
  if (installation !== undefined) promised.installations.add(installation)
}

const acknowledgement = new RegExp(
  `^HTTP/1\\.1 2\\d\\d .*?\\r\\nrequest-id: ${requestIdPrefix}(\\S+)\\r\\n`,
  'is',
)

export interface Kept {
  readonly books: Books
  /** What the file `installation` holds. */
  readonly installation: string
  /** Row key of each idempotency key → its payment, over the whole recording. */
  readonly keys: ReadonlyMap<string, string>
}

/** One sentence for each promise that is broken, and for each fault of the file itself. */
export function brokenPromises(promised: Promised, kept: Kept): readonly string[] {
  const { books, installation, keys } = kept
  const broken: string[] = [...books.faults]
  for (const [id, version] of promised.payments) {
    const seq = books.payments.get(id)?.seq ?? 0
    if (seq < version) broken.push(`lost: ${id} was told with version ${version}`)
  }
  for (const [key, id] of keys) {
    if (promised.payments.has(id) && books.keys.get(key) !== id) {
      broken.push(`lost: the key ${key} of ${id}`)
    }
  }
  for (const attempt of promised.attempts) {
    if (!books.attempts.has(attempt)) broken.push(`lost: ${attempt} was sent and is not recorded`)
  }
  for (const agent of promised.agents) {
    if (!books.agents.has(agent)) broken.push(`lost: the agent ${agent}`)
  }
  for (const id of promised.webhooks) {
    if (!books.webhooks.has(webhookRowKey(id))) {
      broken.push(`lost: the webhook ${id} was acknowledged`)
    }
  }
  for (const each of promised.installations) {
    if (installation !== each) {
      broken.push(`lost: calls were sent as ${each}, and the file "installation" does not hold it`)
    }
  }
  return broken
}
