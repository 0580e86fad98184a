// How much of each unit one payment on the happy path may use. Counts, not time: a change that uses
// more has to say so here.
import type { Counts, Unit } from '../meter.ts'
import type { Workflow } from '../suite/synth.ts'

type Budget = Readonly<Partial<Record<Unit, number>>>

const both: Budget = {
  api_requests: 2,
  dynamodb_write_units: 45,
  dynamodb_read_units: 125,
  lambda_invocations: 13,
  event_entries: 8,
  queue_requests: 3,
  sns_requests: 0,
  log_bytes: 12_000,
}

const budgets: Readonly<Record<Workflow, Budget>> = {
  standard: { ...both, state_transitions: 5 },
  express: { ...both, express_requests: 1 },
}

/** Machines are busy: now and then a send is late, is not sent, and comes again. */
const slack = 1.05

export function overBudget(
  counts: Counts,
  payments: number,
  workflow: Workflow,
): readonly string[] {
  const budget = budgets[workflow]
  return (Object.keys(budget) as Unit[]).flatMap((unit) => {
    const [used, allowed] = [(counts[unit] ?? 0) / payments, budget[unit] ?? 0]
    return used > allowed * slack
      ? [`${unit}: ${used.toFixed(2)} for a payment, not ${allowed}`]
      : []
  })
}
