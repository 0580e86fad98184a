// What the engine and the doors report to be measured. Every word here is from a closed list: no id,
// agent or payee ever becomes a label. Who measures, and how, is not their business.
import type { Outcome } from '../core/outcome.ts'
import type { OperationKind, Payment, PaymentEvent } from '../core/payment.ts'
import type { RejectionCode } from '../core/rejections.ts'
import type { Finding } from '../ports.ts'
import type { Alarm, Engine } from './engine.ts'
import { lineOf } from './log.ts'

/** One call to a processor that was made, however it ended. */
export interface Called {
  /** The processor's configured name. */
  readonly processor: string
  readonly operation: OperationKind | 'look_up'
  /** What the answer means by itself, or what the look-up found. */
  readonly outcome: Outcome | Finding['finding']
  readonly tookMs: number
}

/** A payment before and after one commit. */
export interface Committed {
  /** `null`: it was claimed. */
  readonly before: Payment | null
  readonly after: Payment
  readonly events: readonly PaymentEvent[]
}

export interface Meter {
  readonly called: (call: Called) => void
  readonly committed: (change: Committed) => void
  /** The store did not say whether a payment's change was written: counts may be off. */
  readonly inDoubt: () => void
  /** A door refused a request. */
  readonly rejected: (code: RejectionCode) => void
  readonly alarmed: (kind: Alarm['kind']) => void
  /** A call waited so long for its slot in the processor's rate limit; 0 where it did not. */
  readonly slotWaited: (processor: string, waitedMs: number) => void
  /** A door's own limit (rate, requests at a time) turned a request away. */
  readonly doorRefused: () => void
}

export const silentMeter: Meter = Object.freeze({
  called: () => undefined,
  committed: () => undefined,
  inDoubt: () => undefined,
  rejected: () => undefined,
  alarmed: () => undefined,
  slotWaited: () => undefined,
  doorRefused: () => undefined,
})

/** Makes one call to a processor and reports how long it took and what came of it. */
export async function measured<T>(
  { clock, meter }: Engine,
  about: Pick<Called, 'processor' | 'operation'>,
  call: () => Promise<T>,
  outcomeOf: (answer: T) => Called['outcome'],
): Promise<T> {
  const startedMs = clock.steadyMs()
  const answer = await call()
  meter.called({ ...about, outcome: outcomeOf(answer), tookMs: clock.steadyMs() - startedMs })
  return answer
}

/** Tells the meter and the log of a payment's commit. */
export function tellCommitted({ meter, log }: Engine, change: Committed): void {
  meter.committed(change)
  for (const event of change.events) {
    const line = lineOf(event, change.after)
    if (line !== null) log(line)
  }
}
