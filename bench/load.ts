// The load: so many agents at once, each asking for the next bill when the last one is at its end.
import { randomUUID } from 'node:crypto'

import { Pool } from 'undici'

export interface Measured {
  readonly concurrency: number
  readonly seconds: number
  readonly payments: number
  readonly paymentsPerSecond: number
  /** From the request to the answer with money moved. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were anything else; each is a reason to distrust the line. */
  readonly others: number
}

export interface LoadOptions {
  readonly url: string
  readonly token: string
  readonly concurrency: number
  readonly warmUpMs: number
  readonly measureMs: number
}

export async function load({ url, token, ...options }: LoadOptions): Promise<Measured> {
  const pool = new Pool(url, { connections: options.concurrency, pipelining: 1 })
  try {
    return await measure({ ...options, payOnce: () => payOnce(pool, token) })
  } finally {
    await pool.close()
  }
}

export interface Measuring {
  readonly concurrency: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** One payment from its request to its end: was it paid? */
  readonly payOnce: () => Promise<boolean>
}

export async function measure({
  concurrency,
  warmUpMs,
  measureMs,
  payOnce,
}: Measuring): Promise<Measured> {
  const startedMs = performance.now()
  const [fromMs, untilMs] = [startedMs + warmUpMs, startedMs + warmUpMs + measureMs]
  const tookMs: number[] = []
  let others = 0
  const agent = async (): Promise<void> => {
    for (;;) {
      const beganMs = performance.now()
      if (beganMs >= untilMs) return
      const paid = await payOnce()
      const endedMs = performance.now()
      if (endedMs < fromMs || endedMs >= untilMs) continue
      if (paid) tookMs.push(endedMs - beganMs)
      else others += 1
    }
  }
  await Promise.all(Array.from({ length: concurrency }, agent))
  const sorted = tookMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return {
    concurrency,
    seconds: measureMs / 1000,
    payments: sorted.length,
    paymentsPerSecond: Math.round(sorted.length / (measureMs / 1000)),
    p50Ms: Math.round(at(0.5) * 10) / 10,
    p99Ms: Math.round(at(0.99) * 10) / 10,
    others,
  }
}

/** One bill from the request to its end, in one request. */
async function payOnce(pool: Pool, token: string): Promise<boolean> {
  const id = randomUUID()
  const bill = { amount: 1999, currency: 'EUR', payee: `payee ${id}`, reference: id }
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: '/v1/payments',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': id,
      prefer: 'wait=25',
    },
    body: JSON.stringify(bill),
  })
  const { money_moved: moved } = (await body.json()) as { money_moved?: string }
  return statusCode === 202 && moved === 'yes'
}
