// Which faults the processor injects: a plan drawn from the seed before anything runs, by bill and
// by call, so that the same seed meets the same bill with the same faults whatever the timing.
import type { DemoBill } from './bills.ts'
import { randomOf } from './random.ts'

type Weights = readonly (readonly [fault: string, weight: number])[]

/** What real processors and the gateways in front of them do most. */
const writes: Weights = [
  ['504_after', 8],
  ['504_before', 4],
  ['timeout_after', 2],
  ['timeout_before', 2],
  ['reset_after', 4],
  ['reset_before', 3],
  ['502_after', 2],
  ['503_gateway', 2],
  ['late', 3],
  ['429', 4],
  ['503_slow_down', 2],
  ['slow', 3],
  ['garbage_answer', 2],
  ['wrong_amount', 1],
  ['redirect', 1],
  ['500_then_done', 1],
  ['500_then_not', 1],
  ['duplicate_webhook', 4],
  ['drop_webhook', 3],
  ['delay_webhook', 2],
]

const reads: Weights = [
  ['504_before', 3],
  ['timeout_before', 1],
  ['reset_before', 2],
  ['429', 2],
  ['garbage_answer', 1],
]

/** The first call of an operation meets a fault this often, its repeats less and less. */
const rateByCall = [0.4, 0.25, 0.15, 0.1]

const plans = [
  ['authorise', writes, 1],
  ['capture', writes, 1],
  ['void', writes, 0.5],
  ['look_up', reads, 0.4],
] as const

interface FaultPlan {
  readonly seed: number
  readonly script: readonly {
    readonly match: { readonly operation: string; readonly payee: string; readonly nth: number }
    readonly fault: string
  }[]
}

export function faultPlan(bills: readonly DemoBill[], seed: number): FaultPlan {
  // Payees named `acct_…` go wrong in a way of their own, and in no other.
  const payees = new Set(
    bills.map(({ payee }) => payee).filter((payee) => !payee.startsWith('acct_')),
  )
  const script = [...payees].flatMap((payee) => {
    const random = randomOf(seed, `faults of ${payee}`)
    return plans.flatMap(([operation, weights, share]) =>
      rateByCall.flatMap((rate, index) => {
        const [met, which] = [random.next() < rate * share, pickWeighted(weights, random.next())]
        return met ? [{ match: { operation, payee, nth: index + 1 }, fault: which }] : []
      }),
    )
  })
  return { seed, script }
}

function pickWeighted(weights: Weights, at: number): string {
  let left = at * weights.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [fault, weight] of weights) {
    left -= weight
    if (left < 0) return fault
  }
  return weights[0]?.[0] ?? ''
}
