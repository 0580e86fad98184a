// What doors may know of payments: one with its details, lists, events, and waiting for an end.
import { advise } from '../core/advice.ts'
import type { DetailsRow } from '../core/guards.ts'
import type { PaymentEvent } from '../core/payment.ts'
import type { PaymentQuery, PaymentRow } from '../ports.ts'
import type { Engine } from './engine.ts'
import { blockadeOf, readGates } from './gates.ts'
import type { Blockade } from './gates.ts'

export interface PaymentView {
  readonly row: PaymentRow
  readonly details: DetailsRow
  /** What keeps it from moving although nothing of its own does; `null` too where it is at its end. */
  readonly blockade: Blockade | null
}

const noDetails: DetailsRow = { description: null, metadata: {}, distinctFrom: [], reason: null }

/** `account` null: any (operators). A payment of another account is not there, without a hint. */
export async function readPayment(
  engine: Engine,
  paymentId: string,
  account: string | null,
): Promise<PaymentView | null> {
  const [row, details] = await engine.store.read([
    { table: 'payment', key: paymentId },
    { table: 'details', key: paymentId },
  ])
  if (row === null || (account !== null && row.value.payment.account !== account)) return null
  return toView(engine, row.value, details?.value ?? noDetails)
}

async function toView(engine: Engine, row: PaymentRow, details: DetailsRow): Promise<PaymentView> {
  const { payment, dueAtMs } = row
  if (dueAtMs === null) return { row, details, blockade: null }
  const gates = await readGates(engine, payment)
  return { row, details, blockade: blockadeOf(engine, gates, payment.id) }
}

export async function listPayments(
  engine: Engine,
  query: PaymentQuery,
): Promise<{ readonly views: readonly PaymentView[]; readonly cursor: string | null }> {
  const { rows, cursor } = await engine.store.list(query)
  const keys = rows.map((row) => ({ table: 'details', key: row.value.payment.id }) as const)
  const details = keys.length === 0 ? [] : await engine.store.read(keys)
  const views = rows.map((row, index) =>
    toView(engine, row.value, details[index]?.value ?? noDetails),
  )
  return { views: await Promise.all(views), cursor }
}

export function readEvents(
  engine: Engine,
  paymentId: string,
  afterSeq: number,
  limit: number,
): Promise<readonly PaymentEvent[]> {
  return engine.store.events(paymentId, afterSeq, limit)
}

/** Longest that a client may ask us to wait. */
const maxWaitMs = 25_000

/** Another process may have changed it: nobody told us, so look now and then. */
const pollMs = 1_000

/**
 * The payment when its agent has something to do or nothing to wait for any more: an end, a hold, a
 * payment that waits for its capture, or when the time is up.
 */
export async function waitForPayment(
  engine: Engine,
  paymentId: string,
  account: string | null,
  waitMs: number,
  signal?: AbortSignal,
): Promise<PaymentView | null> {
  const untilMs = engine.clock.steadyMs() + Math.min(waitMs, maxWaitMs)
  for (;;) {
    const heard = nextChange(engine, paymentId, signal)
    const view = await readPayment(engine, paymentId, account).catch((error: unknown) => {
      heard.stop()
      throw error
    })
    const leftMs = untilMs - engine.clock.steadyMs()
    const waits =
      view !== null && advise(view.row.payment, engine.time.nowMs(0)).nextAction.type === 'wait'
    if (!waits || leftMs <= 0 || signal?.aborted === true) {
      heard.stop()
      return view
    }
    const timer = new AbortController()
    const timeout = engine.clock.sleep(Math.min(leftMs, pollMs), timer.signal)
    await Promise.race([heard.promise, timeout])
    timer.abort('heard')
    heard.stop()
  }
}

// Listens before the store is read, so that a change in between is not missed.
function nextChange(
  engine: Engine,
  paymentId: string,
  signal: AbortSignal | undefined,
): { readonly promise: Promise<void>; readonly stop: () => void } {
  let stop = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    const heard = (): void => resolve()
    const silence = engine.changes.listen(paymentId, heard)
    signal?.addEventListener('abort', heard, { once: true })
    stop = () => {
      silence()
      signal?.removeEventListener('abort', heard)
    }
  })
  return { promise, stop: () => stop() }
}
