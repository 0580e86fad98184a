// Faults on order: a test plants them, the next calls that fit meet them. What a planted fault does
// stands where it happens: in the proxy, in the glue, in the function's process.
import type { Call } from './iam/needs.ts'

export type FaultKind =
  /** DynamoDB: another transaction holds an item. Not executed. */
  | 'transaction_conflict'
  /** Refused for its rate. Not executed. */
  | 'throttled'
  /** The connection breaks. Not executed. */
  | 'lost_request'
  /** The connection breaks. Executed. */
  | 'lost_answer'
  /** A 500 of the service. Not executed. */
  | 'unavailable'
  /** The request is refused as one that can never be right: a bug of ours. Not executed. */
  | 'invalid'
  /** An index that has not heard of anything yet. */
  | 'stale_index'
  /** EventBridge refuses the first entry of the batch and takes the others. */
  | 'partly_refused'
  /** The message, the event or the invocation comes twice. */
  | 'twice'
  /** The execution is accepted and never runs. */
  | 'lost'
  /** The function's process is killed when it makes this call: before it is executed. */
  | 'killed_before'
  /** The same, after it was executed. */
  | 'killed_after'
  /** The function stands still at this call until its time is over. */
  | 'hangs'

export interface Fault {
  readonly kind: FaultKind
  readonly service: string
  readonly operation: string
  /** Only calls of this function, by the beginning of its logical id. */
  readonly caller?: string
  readonly when?: (call: Call) => boolean
  /** How many calls meet it (1). */
  readonly times?: number
}

export interface Faults {
  readonly plant: (fault: Fault) => Planted
  /** The kind of the first planted one that fits, of those that can happen here. */
  readonly take: <K extends FaultKind>(call: Call, caller: string, kinds: readonly K[]) => K | null
  readonly clear: () => void
}

export interface Planted {
  /** How many calls have met it. */
  readonly met: () => number
  readonly remove: () => void
}

export function createFaults(): Faults {
  const planted: { readonly fault: Fault; left: number; met: number }[] = []
  return Object.freeze({
    plant: (fault: Fault) => {
      const one = { fault, left: fault.times ?? 1, met: 0 }
      planted.push(one)
      return { met: () => one.met, remove: () => void (one.left = 0) }
    },
    take: <K extends FaultKind>(call: Call, caller: string, kinds: readonly K[]) => {
      const found = planted.find(
        ({ fault, left }) =>
          left > 0 &&
          kinds.some((kind) => kind === fault.kind) &&
          fault.service === call.service &&
          fault.operation === call.operation &&
          caller.startsWith(fault.caller ?? '') &&
          (fault.when?.(call) ?? true),
      )
      if (found === undefined) return null
      found.left -= 1
      found.met += 1
      return kinds.find((kind) => kind === found.fault.kind) ?? null
    },
    clear: () => void planted.splice(0),
  })
}
