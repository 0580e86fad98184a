// The load: so many clients, each with one payment at a time, each waiting until its money moved.
import { Pool } from 'undici'

export interface Load {
  readonly url: string
  readonly token: string
  readonly concurrency: number
  readonly forMs: number
  /** Makes references and keys of one run differ from those of another. */
  readonly name: string
}

export interface LoadResult {
  readonly concurrency: number
  readonly payments: number
  readonly paymentsPerS: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const pool = new Pool(load.url, { connections: load.concurrency, pipelining: 1 })
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  let made = 0
  const client = async (): Promise<void> => {
    while (performance.now() - startedMs < load.forMs) {
      const atMs = performance.now()
      await pay(pool, load, (made += 1))
      latenciesMs.push(performance.now() - atMs)
    }
  }
  await Promise.all(Array.from({ length: load.concurrency }, client))
  const tookS = (performance.now() - startedMs) / 1000
  await pool.close()
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return {
    concurrency: load.concurrency,
    payments: sorted.length,
    paymentsPerS: sorted.length / tookS,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

async function pay(pool: Pool, { token, name }: Load, number: number): Promise<void> {
  const reference = `${name} ${number}`
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: '/v1/payments',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': reference.replaceAll(' ', '-'),
      prefer: 'wait=25',
    },
    body: JSON.stringify({ amount: 1999, currency: 'EUR', payee: `payee ${reference}`, reference }),
  })
  const text = await body.text()
  const answer: unknown = JSON.parse(text)
  const moved =
    typeof answer === 'object' && answer !== null && 'money_moved' in answer && answer.money_moved
  if (statusCode !== 202 || moved !== 'yes') throw new Error(`not paid (${statusCode}): ${text}`)
}
