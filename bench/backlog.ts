// A backlog: the processor is paused, bills keep coming. What is looked at: does the door get slower, does
// the service grow, how soon is it there again after a restart, and how fast is it drained.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { Pool } from 'undici'

import type { Child } from '../src/cli/children.ts'
import { load, measure } from './load.ts'
import { memoryMb, operatorToken, startProcessor, startService, token } from './processes.ts'

export interface Backlog {
  readonly figures: Readonly<Record<string, number>>
  /** Which bounds do not hold. */
  readonly faults: readonly string[]
}

/** Clients at the door. */
const concurrency = 64
const doorMs = 5_000
/** Drained, or given up. */
const drainWithinMs = 600_000

export async function measureBacklog(folder: string, payments: number): Promise<Backlog> {
  await mkdir(folder, { recursive: true })
  const processor = await startProcessor()
  const start = () => startService({ processorUrl: processor.url, folder })
  const first = await start()
  const usual = await load({ ...at(first), concurrency: 256, warmUpMs: 3_000, measureMs: 10_000 })
  await operate(first, '/v1/processors/simulated/pause')
  await door(first)
  const empty = await door(first)
  const filledPerS = await claim(first, payments)
  const full = await door(first)
  const grown = await memoryMb(first.pid)
  const heapMb = await heapOf(first)
  const file = join(folder, 'quittance.db')
  const waiting = open(file)
  await first.end('SIGTERM')
  const beganMs = performance.now()
  const second = await start()
  const startUpMs = Math.round(performance.now() - beganMs)
  await operate(second, '/v1/processors/simulated/resume')
  const drain = await drained(file, waiting)
  const after = await memoryMb(second.pid)
  await second.end('SIGTERM')
  await processor.end('SIGTERM')
  const figures = {
    open_payments: waiting,
    usual_per_s: usual.paymentsPerSecond,
    intake_by_batch_per_s: filledPerS,
    door_empty_per_s: empty,
    door_full_per_s: full,
    door_ratio: Math.round((full / empty) * 1000) / 1000,
    heap_mb: heapMb,
    rss_mb: grown.now,
    rss_peak_mb: Math.max(grown.peak, after.peak),
    start_up_ms: startUpMs,
    first_settled_ms: drain.firstMs,
    drained_ms: drain.allMs,
    drained_per_s: Math.round((waiting - drain.left) / (drain.allMs / 1000)),
    left_open: drain.left,
  }
  return { figures, faults: faultsIn(figures) }
}

function faultsIn(figures: Record<'heap_mb' | 'door_ratio' | 'start_up_ms' | 'left_open', number>) {
  return [
    figures.heap_mb <= 500 ? '' : 'FAULT: the heap is above 500 MB',
    figures.door_ratio >= 0.8 ? '' : 'FAULT: the door is slower by more than 20 %',
    figures.start_up_ms <= 5_000 ? '' : 'FAULT: the start takes more than 5 s',
    figures.left_open === 0 ? '' : 'FAULT: not all of it was drained in time',
  ].filter((fault) => fault !== '')
}

const at = ({ url }: Child) => ({ url, token })

async function operate({ url }: Child, path: string): Promise<void> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'bench' }),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
}

const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

/** Requests that are answered at once, each a new bill. */
async function door({ url }: Child): Promise<number> {
  const pool = new Pool(url, { connections: concurrency, pipelining: 1 })
  const payOnce = async (): Promise<boolean> => {
    const { key, ...bill } = newBill()
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/v1/payments',
      headers: { ...headers, 'idempotency-key': key },
      body: JSON.stringify(bill),
    })
    await body.dump()
    return statusCode === 202
  }
  const measured = await measure({ concurrency, warmUpMs: 1_000, measureMs: doorMs, payOnce })
  await pool.close()
  if (measured.others > 0) throw new Error(`the door refused ${measured.others} bills`)
  return measured.paymentsPerSecond
}

function newBill() {
  const id = crypto.randomUUID()
  return { key: id, amount: 1999, currency: 'EUR', payee: `payee ${id}`, reference: id }
}

/** By batches; says how many a second. */
async function claim({ url }: Child, payments: number): Promise<number> {
  const beganMs = performance.now()
  const perBatch = 500
  const claimBatch = async (): Promise<void> => {
    const bills = Array.from({ length: perBatch }, () => {
      const { key, ...bill } = newBill()
      return { ...bill, idempotency_key: key }
    })
    const body = JSON.stringify({ bills })
    const answer = await fetch(`${url}/v1/payments/batch`, { method: 'POST', headers, body })
    const { accepted } = (await answer.json()) as { readonly accepted: number } // the service's own
    if (accepted !== perBatch) throw new Error(`of ${perBatch} bills ${accepted} were accepted`)
  }
  for (let left = payments; left > 0; left -= perBatch) await claimBatch()
  return Math.round(payments / ((performance.now() - beganMs) / 1000))
}

async function heapOf({ url }: Child): Promise<number> {
  const answer = await fetch(`${url}/metrics`, {
    headers: { authorization: `Bearer ${operatorToken}` },
  })
  const [, bytes] = /^nodejs_heap_size_used_bytes (\S+)/m.exec(await answer.text()) ?? []
  return Math.round(Number(bytes) / 1_048_576)
}

function open(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true })
  const sql = "SELECT count(*) AS count FROM payment WHERE state <> 'settled'"
  const count = Number(db.prepare(sql).get()?.['count'])
  db.close()
  return count
}

async function drained(file: string, waiting: number) {
  const beganMs = performance.now()
  const sinceMs = (): number => Math.round(performance.now() - beganMs)
  let firstMs = 0
  let left = waiting
  while (left > 0 && sinceMs() < drainWithinMs) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    left = open(file)
    if (firstMs === 0 && left < waiting) firstMs = sinceMs()
  }
  return { firstMs, allMs: sinceMs(), left }
}
