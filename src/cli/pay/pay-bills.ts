// The bills of a file, so many at a time, in the order of the file.
import type { Client, Problem } from '../../client/index.ts'
import type { Bill } from '../bills/read-bills.ts'
import { notAsked, payBill } from './pay-bill.ts'
import type { BillOutcome, BillResult } from './pay-bill.ts'

export interface PaidBill extends BillOutcome {
  readonly bill: Bill
}

export interface PayOptions {
  readonly concurrency: number
  /** How long one bill is waited for. */
  readonly waitMs: number
  /** Aborted: nothing more is asked for, and what is asked is not waited for. */
  readonly signal: AbortSignal
  readonly onBill: (paid: PaidBill) => void
}

/** These hold for every other bill, too: asking on would only repeat them. */
const endsAll = new Set(['unauthenticated', 'forbidden', 'agent_suspended', 'stopped'])

export async function payBills(
  client: Client,
  bills: readonly Bill[],
  { concurrency, waitMs, signal, onBill }: PayOptions,
): Promise<readonly PaidBill[]> {
  const results: PaidBill[] = []
  let stoppedBy: Problem | null = null
  const queue = bills.entries()
  const work = async (): Promise<void> => {
    for (const [index, bill] of queue) {
      const over = signal.aborted || stoppedBy !== null
      const outcome = over ? notAsked : await payBill(client, bill.request, { waitMs, signal })
      if (outcome.problem !== null && endsAll.has(outcome.problem.code)) stoppedBy = outcome.problem
      const paid = { ...outcome, bill }
      results[index] = paid
      onBill(paid)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, bills.length) }, work))
  return results
}

export function countResults(paid: readonly BillOutcome[]): Readonly<Record<BillResult, number>> {
  const counts = { paid: 0, unpaid: 0, waiting: 0, unknown: 0, refused: 0, not_asked: 0 }
  for (const { result } of paid) counts[result] += 1
  return counts
}
