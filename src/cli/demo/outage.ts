// The outage of the demo: for a while the processor's gateway answers every call with 503. What is
// measured is taken from the processor's side and from Quittance's own audit, and compared.
import { setTimeout as sleep } from 'node:timers/promises'

import type { AuditEntry, Payment, PaymentEvent } from '../../client/index.ts'
import type { DemoBill } from './bills.ts'
import type { KillableService } from './killable-service.ts'
import type { Arrival, ProcessorSide } from './processor-side.ts'

/** The bills of a demo with an outage, so many that there is work before, during and after it. */
const billsWanted = 300
const outageMs = 20_000
/** The outage begins when so much is done, and the service is killed in the middle of it. */
const beginsAtShare = 0.35
const killAfterMs = 8_000
/** A call that was on its way when the breaker opened arrives within this. */
const inFlightMs = 250
/** More calls than this before the breaker opens would be too many. */
export const callsToOpenWithin = 20

export interface OutageFigures {
  /** How often the breaker opened because calls had failed. */
  readonly breakerOpened: number
  /** Calls that met the outage before the breaker first opened. */
  readonly callsToOpen: number
  /** Calls that may move money which arrived while it was open, beyond its probes. */
  readonly callsWhileOpen: number
  readonly probes: number
  /** Payments that met the outage and were paid after all. */
  readonly recovered: number
  /** Dead letters taken up again by the rule. */
  readonly redriven: number
}

/** The bills of the file, and more of its plain ones under other references. */
export function moreBills(bills: readonly DemoBill[]): readonly DemoBill[] {
  const plain = bills.filter(
    ({ script, payee }) => script === 'patient' && !payee.startsWith('acct_'),
  )
  const extra = Array.from({ length: Math.max(0, billsWanted - bills.length) }, (_, at) => {
    const bill = plain[at % plain.length]
    if (bill === undefined) throw new Error('there is no bill with the script patient')
    const number = String(at + 1).padStart(3, '0')
    return {
      ...bill,
      id: `X${number}`,
      reference: `${bill.reference}-X${number}`,
      amount: bill.amount + 100_000 + at,
    }
  })
  // Spread among the others, so that the outage finds some of them under way.
  return [...bills, ...extra].toSorted((a, b) => spread(a) - spread(b))
}

const spread = ({ id }: DemoBill): number => Number(id.slice(1)) * (id.startsWith('X') ? 4 : 1)

export interface Outage {
  readonly onBillDone: (done: number) => void
  /** The outage is over and the service runs again; rejects where it did not start. */
  readonly settled: () => Promise<void>
  readonly restarts: () => number
  readonly window: () => { readonly fromMs: number; readonly untilMs: number } | null
}

export function planOutage(
  processor: ProcessorSide,
  service: KillableService,
  bills: number,
  say: (line: string) => void,
): Outage {
  let span: { fromMs: number; untilMs: number } | null = null
  let restarts = 0
  let happening: Promise<void> = Promise.resolve()
  const happen = async (done: number): Promise<void> => {
    const fromMs = Date.now()
    span = { fromMs, untilMs: fromMs + outageMs }
    await processor.setFaults({ outage: { from_ms: span.fromMs, until_ms: span.untilMs } })
    say(`the processor is out for ${outageMs / 1000} s, with ${done} of ${bills} bills done`)
    await sleep(killAfterMs)
    await service.killAndRestart(200)
    restarts += 1
    say('SIGKILL in the middle of it; back on the same file')
    await sleep(span.untilMs - Date.now())
    say('the processor answers again')
  }
  return Object.freeze({
    onBillDone(done: number) {
      if (span !== null || done < bills * beginsAtShare) return
      happening = happen(done)
      // Said when the result is wanted; until then it is no unhandled rejection.
      happening.catch(() => undefined)
    },
    settled: () => happening,
    restarts: () => restarts,
    window: () => span,
  })
}

export interface Seen {
  readonly window: { readonly fromMs: number; readonly untilMs: number }
  /** When calls that may move money came in at the processor. */
  readonly arrivals: readonly Arrival[]
  /** The audit, in the order of time. */
  readonly audit: readonly AuditEntry[]
  readonly payments: readonly Payment[]
  readonly events: ReadonlyMap<string, readonly PaymentEvent[]>
}

export function outageFigures({ window, arrivals, audit, payments, events }: Seen): OutageFigures {
  const turns = audit
    .filter(({ act }) => act === 'breaker')
    .map(({ reason, at }) => ({ state: reason.split(':')[0] ?? '', reason, atMs: Date.parse(at) }))
  const opened = turns.filter(({ reason }) => reason === 'open: failures')
  const firstMs = opened[0]?.atMs ?? window.untilMs
  let callsWhileOpen = 0
  for (const [index, { state, atMs }] of turns.entries()) {
    const untilMs = turns[index + 1]?.atMs ?? Number.POSITIVE_INFINITY
    const graceMs = state === 'open' ? inFlightMs : 0
    const came = arrivals.filter(
      (each) => each.at_ms > atMs + graceMs && each.at_ms < untilMs,
    ).length
    if (state === 'open') callsWhileOpen += came
    // One of them is the probe that the state is for.
    if (state === 'half_open') callsWhileOpen += Math.max(0, came - 1)
  }
  const histories = payments.map((payment) => ({ payment, own: events.get(payment.id) ?? [] }))
  const met = histories.filter(({ own }) => own.some((event) => metOutage(event, window)))
  return {
    breakerOpened: opened.length,
    callsToOpen: arrivals.filter((each) => each.out && each.at_ms <= firstMs).length,
    callsWhileOpen,
    probes: turns.filter(({ state }) => state === 'half_open').length,
    recovered: met.filter(({ payment }) => payment.money_moved === 'yes').length,
    redriven: histories.flatMap(({ own }) => own).filter(isByRule).length,
  }
}

function metOutage({ type, at }: PaymentEvent, window: Seen['window']): boolean {
  const atMs = Date.parse(at)
  const isFailure = type === 'observed' || type === 'inquired'
  return isFailure && atMs >= window.fromMs && atMs <= window.untilMs
}

const isByRule = ({ type, data }: PaymentEvent): boolean =>
  type === 'redriven' && data['by'] === 'rule'
