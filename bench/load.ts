// The load: so many agents at once, each asking for the next bill when the last one is at its end.
import { randomUUID } from 'node:crypto'

import { Pool } from 'undici'

export interface Measured {
  readonly concurrency: number
  readonly seconds: number
  readonly payments: number
  /** Warm-up included, and those that had begun when the time was up. */
  readonly all: number
  readonly paymentsPerSecond: number
  /** From the request to the answer with money moved. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were anything else; each is a reason to distrust the line. */
  readonly others: number
}

/** A measurement of a process, and what a payment cost it. */
export interface Line extends Measured {
  readonly name: string
  /** Time on a core for each payment, warm-up included. */
  readonly cpuUs: number
  readonly rssMb: number
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
    await connect(pool, options.concurrency)
    return await measure({ ...options, payOnce: () => payOnce(pool, token) })
  } finally {
    await pool.close()
  }
}

/**
 * Node takes on one new connection in each turn of its event loop: under load hundreds of them would be
 * taken on during the whole measurement, and the first requests on the last of them wait that long.
 */
async function connect(pool: Pool, connections: number): Promise<void> {
  const ask = async (): Promise<void> => {
    const { body } = await pool.request({ method: 'GET', path: '/healthz' })
    await body.dump()
  }
  await Promise.all(Array.from({ length: connections }, ask))
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
  let [all, others] = [0, 0]
  const agent = async (): Promise<void> => {
    for (;;) {
      const beganMs = performance.now()
      if (beganMs >= untilMs) return
      const paid = await payOnce()
      const endedMs = performance.now()
      all += 1
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
    all,
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
