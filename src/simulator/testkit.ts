// What the tests of this folder share: a client that speaks the wire, and a clock to turn.
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'

import type { SimulatorOptions } from './options.ts'
import { createSimulator, startSimulator } from './simulator.ts'
import type { RunningSimulator, Simulator } from './simulator.ts'

/** The wire's own words, so that a test pins them. */
export interface ChargeJson {
  readonly id: string
  readonly status: string
  readonly amount: number
  readonly amount_captured: number
  readonly amount_refunded: number
  readonly amount_reversed: number
  readonly decline_code: string | null
  readonly action_url: string | null
  readonly authorisation_expires_at: string | null
  readonly settlement: { readonly id: string; readonly fee: number; readonly net: number } | null
  readonly refunds: readonly { readonly amount: number; readonly reference: string }[]
}

export interface ErrorJson {
  readonly error: {
    readonly type: string
    readonly code: string
    readonly param?: string
    readonly decline_code?: string
    readonly charge_id?: string
    readonly charge?: ChargeJson
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as the shape that the test goes on to check. */
  json<T = ChargeJson>(): T
}

export interface TestClient {
  get(path: string): Promise<Reply>
  /** With a new key unless one is given. */
  post(path: string, body?: unknown, key?: string): Promise<Reply>
  put(path: string, body: unknown): Promise<Reply>
  send(method: string, path: string, init: RequestInit): Promise<Reply>
}

type Fetch = (path: string, init: RequestInit) => Promise<Response> | Response

export function clientOf(fetchPath: Fetch): TestClient {
  const headers = { authorization: 'Bearer sim_test_key' }
  const send: TestClient['send'] = async (method, path, init) => {
    const response = await fetchPath(path, { method, redirect: 'manual', ...init })
    const text = await response.text()
    // The test checks what it reads.
    const json = <T>(): T => JSON.parse(text) as T
    return { status: response.status, headers: response.headers, text, json }
  }
  return {
    send,
    get: (path) => send('GET', path, { headers }),
    post: (path, body = {}, key = randomUUID()) =>
      send('POST', path, {
        headers: { ...headers, 'idempotency-key': key },
        body: JSON.stringify(body),
      }),
    put: (path, body) => send('PUT', path, { headers, body: JSON.stringify(body) }),
  }
}

export interface TurnableClock {
  nowMs: number
}

export interface Bench extends TestClient {
  readonly simulator: Simulator
  readonly clock: TurnableClock
}

/** Without a socket, on a clock that stands still unless it is turned; 2026-03-01, noon. */
export function open(t: TestContext, options: SimulatorOptions = {}): Bench {
  const clock = { nowMs: Date.UTC(2026, 2, 1, 12) }
  const simulator = createSimulator({ nowMs: () => clock.nowMs, slowMs: [1, 2], ...options })
  t.after(() => simulator.close())
  return { simulator, clock, ...clientOf((path, init) => simulator.app.request(path, init)) }
}

export interface LiveBench extends TestClient {
  readonly simulator: RunningSimulator
}

/** Over a real socket, with waits short enough for a test. */
export async function start(t: TestContext, options: SimulatorOptions = {}): Promise<LiveBench> {
  const simulator = await startSimulator({
    maxHoldMs: 150,
    ...options,
  })
  t.after(() => simulator.close())
  return { simulator, ...clientOf((path, init) => fetch(simulator.url + path, init)) }
}

/** A charge's body; what is given replaces what is usual. */
export function bill(given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const usual = { amount: 1999, currency: 'EUR', payee: 'acct_books', reference: 'pay_1' }
  return { ...usual, metadata: { payment: 'pay_1' }, ...given }
}
