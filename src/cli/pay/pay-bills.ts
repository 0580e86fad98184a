// The bills of a file, in its order: a page of them is asked for in one request, then so many at a time
// are waited for. What the page left open is asked for bill by bill, under the same keys.
import type { Client, PaymentResult, Problem } from '../../client/index.ts'
import type { Bill } from '../bills/read-bills.ts'
import { isUnclear, notAsked, payBill } from './pay-bill.ts'
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

/** Bills in one request; as many are open at once, and the service makes them durable together. */
const pageSize = 500

/** Its answer comes at once or is not worth waiting for: then each bill is asked for by itself. */
const longestBatchMs = 10_000

/** These hold for every other bill, too: asking on would only repeat them. */
const endsAll = new Set(['unauthenticated', 'forbidden', 'agent_suspended', 'stopped'])

export async function payBills(
  client: Client,
  bills: readonly Bill[],
  { concurrency, waitMs, signal, onBill }: PayOptions,
): Promise<readonly PaidBill[]> {
  const results: PaidBill[] = []
  let stoppedBy: Problem | null = null
  const payOne = async (bill: Bill, claimed: PaymentResult | undefined): Promise<BillOutcome> => {
    const over = signal.aborted || stoppedBy !== null
    if (over && claimed?.ok !== true) return claimed === undefined ? notAsked : notFollowed(claimed)
    const before = claimed === undefined ? {} : { claimed }
    return payBill(client, bill.request, { waitMs, signal, ...before })
  }
  const work = async (queue: Iterable<[number, Bill]>, claims: Claims): Promise<void> => {
    for (const [index, bill] of queue) {
      const outcome = await payOne(bill, claims[index % pageSize])
      if (outcome.problem !== null && endsAll.has(outcome.problem.code)) stoppedBy = outcome.problem
      const paid = { ...outcome, bill }
      results[index] = paid
      onBill(paid)
    }
  }
  const entries = [...bills.entries()]
  for (let from = 0; from < entries.length; from += pageSize) {
    const page = entries.slice(from, from + pageSize)
    const over = signal.aborted || stoppedBy !== null
    const claims = over ? [] : await claimPage(client, page, { waitMs, signal })
    const queue = page.values()
    const workers = Array.from({ length: Math.min(concurrency, page.length) }, () =>
      work(queue, claims),
    )
    await Promise.all(workers)
  }
  return results
}

/** A page has asked for it and it is over now: only what may have been stored is told as unknown. */
function notFollowed({ problem }: { readonly problem: Problem }): BillOutcome {
  const why = `${problem.title} (${problem.code})`
  return isUnclear(problem) ? { ...notAsked, result: 'unknown', why, problem } : notAsked
}

type Claims = readonly (PaymentResult | undefined)[]

/** A single bill is asked for and waited for in one request as it is. */
async function claimPage(
  client: Client,
  page: readonly (readonly [number, Bill])[],
  { waitMs, signal }: Pick<PayOptions, 'waitMs' | 'signal'>,
): Promise<Claims> {
  if (page.length < 2) return []
  const requests = page.map(([, { request }]) => request)
  return client.payBatch(requests, { deadlineMs: Math.min(waitMs, longestBatchMs), signal })
}

export function countResults(paid: readonly BillOutcome[]): Readonly<Record<BillResult, number>> {
  const counts = { paid: 0, unpaid: 0, waiting: 0, unknown: 0, refused: 0, not_asked: 0 }
  for (const { result } of paid) counts[result] += 1
  return counts
}
