// Webhooks in: stored before they are acknowledged, deduplicated by the processor's event id,
// matched by our own ids only. What they say is a hint; the object is read before it is believed.
import type { WebhookRow, Row } from '../ports.ts'
import { followHint } from './advance.ts'
import type { Engine } from './engine.ts'

export type WebhookReceipt = 'stored' | 'refused' | 'not_stored'

/** `refused`: the signature does not hold or it is unreadable. `not_stored`: send it again. */
export async function receiveWebhook(
  engine: Engine,
  processorName: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<WebhookReceipt> {
  const processor = engine.processors.get(processorName)
  const nowMs = engine.time.nowMs(0)
  const told = processor?.readWebhook(body, headers, nowMs) ?? null
  if (told === null) return 'refused'
  const key = `${processorName}/${told.eventId}`
  const value: WebhookRow = {
    processor: processorName,
    receivedAtMs: nowMs,
    observedAtMs: null,
    matched: false,
    ...told,
  }
  const committed = await engine.store.commit({
    commitId: engine.ids.next('cmt', nowMs),
    actions: [{ do: 'put', table: 'webhook', key, value, if: { absent: true } }],
  })
  // Taken up by the loop: a flood of messages must not crowd out the payments' own calls.
  return committed.result === 'unknown' ? 'not_stored' : 'stored'
}

/** Takes up what is stored and not yet understood; what matches no payment stays for later. */
export async function observeWebhooks(
  engine: Engine,
  limit: number,
  isStopping: () => boolean = () => false,
): Promise<number> {
  const rows = await engine.store.unmatchedWebhooks(limit)
  let matched = 0
  for (const row of rows) {
    if (isStopping()) break
    const done = await observeWebhook(engine, `${row.value.processor}/${row.value.eventId}`, row)
    matched += done ? 1 : 0
  }
  return matched
}

async function observeWebhook(engine: Engine, key: string, row: Row<'webhook'>): Promise<boolean> {
  const { paymentId, object } = row.value
  // What carries no id of ours can never be matched, and must not stand in the way of the others.
  if (paymentId === null) return takeUp(engine, key, row, false)
  const looked = await followHint(engine, paymentId, object)
  if (looked === 'observed') return takeUp(engine, key, row, true)
  const ageMs = engine.time.nowMs(0) - row.value.receivedAtMs
  return ageMs > givenUpAfterMs ? takeUp(engine, key, row, looked === 'no_answer') : false
}

/**
 * A message is a hint; what it hints at is found by look-ups and reconciliation too. So long it may
 * stand in line, then it makes way, kept for whoever compares the books.
 */
const givenUpAfterMs = 600_000

async function takeUp(
  engine: Engine,
  key: string,
  { value, version }: Row<'webhook'>,
  matched: boolean,
): Promise<boolean> {
  const observedAtMs = engine.time.nowMs(0)
  const row = { ...value, observedAtMs, matched }
  const committed = await engine.store.commit({
    commitId: engine.ids.next('cmt', observedAtMs),
    actions: [{ do: 'put', table: 'webhook', key, value: row, if: { version } }],
  })
  return committed.result === 'committed'
}
