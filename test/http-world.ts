// The HTTP door over the engine's test world: two agents of one account, one of another, and an
// operator, each with a token; what is asked goes through `app.request`, no socket needed.
import assert from 'node:assert/strict'

import type { Mandate } from '../src/core/mandate.ts'
import { advance } from '../src/engine/advance.ts'
import type { Engine } from '../src/engine/engine.ts'
import { addAgent, addOperator } from '../src/engine/identity.ts'
import type { LogEntry } from '../src/engine/log.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { systemClock } from '../src/engine/system.ts'
import { keepTime } from '../src/engine/time.ts'
import { createApp } from '../src/http/app.ts'
import type { HttpService } from '../src/http/service.ts'
import type { PaymentJson, ProblemJson } from '../src/http/wire.ts'
import { openMetrics } from '../src/metrics/metrics.ts'
import type { Metrics } from '../src/metrics/metrics.ts'
import { createTestEngine, toRest } from './engine-world.ts'
import type { TestWorld, TestWorldOptions } from './engine-world.ts'

export const tokens = {
  agent: 'token-of-an-agent',
  colleague: 'token-of-a-colleague',
  stranger: 'token-of-a-stranger',
  operator: 'token-of-an-operator',
} as const

export type Who = keyof typeof tokens

export const bill = { amount: 1999, currency: 'EUR', payee: 'ACME', reference: 'INV-1' }

export interface Reply<Body = PaymentJson & ProblemJson> {
  readonly status: number
  readonly headers: Headers
  /** What is asserted on belongs to the answer that the test expects. */
  readonly body: Body
  readonly text: string
}

export interface Asking {
  readonly as?: Who | null
  readonly key?: string | null
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface HttpWorld {
  readonly world: TestWorld
  readonly engine: Engine
  readonly app: ReturnType<typeof createApp>
  /** What went wrong behind the door. */
  readonly log: LogEntry[]
  /** Every line of the log. */
  readonly lines: LogEntry[]
  readonly ask: <Body = PaymentJson & ProblemJson>(
    method: string,
    path: string,
    asking?: Asking,
  ) => Promise<Reply<Body>>
  /** Claims a payment of the bill, changed as given; expects 202. */
  readonly pay: (change?: object, asking?: Asking) => Promise<PaymentJson>
  readonly toRest: (paymentId: string) => Promise<void>
  /** Writes that the store was asked for: a refused request adds none. */
  readonly commits: () => number
}

export interface HttpWorldOptions extends TestWorldOptions {
  readonly engine?: (engine: Engine) => Partial<Engine>
  readonly service?: Partial<HttpService>
  readonly agentMandate?: Mandate
  /** What happens is measured, and `GET /metrics` tells. */
  readonly metrics?: boolean
  /** Payments are driven as they are claimed, on the machine's own clock. */
  readonly driven?: boolean
}

export async function createHttpWorld(options: HttpWorldOptions = {}): Promise<HttpWorld> {
  let commits = 0
  const onCommit: TestWorldOptions['onCommit'] = (write) => {
    commits += 1
    return options.onCommit?.(write) ?? 'normal'
  }
  const world = await createTestEngine({ ...options, onCommit }).ready()
  await addCallers(world.engine, options.agentMandate)
  const lines: LogEntry[] = []
  const log: LogEntry[] = []
  const metrics = options.metrics === true ? await openMetricsOf(world) : null
  const told = {
    log: (entry: LogEntry): void => {
      lines.push(entry)
      if (entry.level === 'error') log.push(entry)
    },
    meter: metrics?.meter ?? silentMeter,
  }
  const engine = {
    ...world.engine,
    ...told,
    ...(options.driven === true ? drivenBy(() => engine) : {}),
    ...options.engine?.(world.engine),
  } as Engine
  const app = createApp({
    engine,
    isReady: () => ({ ready: true }),
    ...(metrics === null ? {} : { metrics: metrics.text }),
    ...options.service,
  })
  const ask = createAsk(app)
  let count = 0
  return {
    world,
    engine,
    app,
    log,
    lines,
    ask,
    toRest: (paymentId) => toRest({ ...world, engine: { ...world.engine, ...told } }, paymentId),
    async pay(change = {}, asking = {}) {
      count += 1
      const body = { ...bill, ...change }
      const reply = await ask('POST', '/v1/payments', { key: `key-${count}`, body, ...asking })
      assert.equal(reply.status, 202, reply.text)
      return reply.body
    },
    commits: () => commits,
  }
}

function openMetricsOf({ engine: { store, processors }, hand }: TestWorld): Promise<Metrics> {
  const oldestMs = hand.nowMs - 5_000
  const downstream = async () => ({
    aside: new Map([['ledger', 2]]),
    pending: 3,
    dead: 1,
    oldestMs,
  })
  const publishers = ['ledger']
  return openMetrics({ store, nowMs: () => hand.nowMs, processors, publishers, downstream })
}

async function addCallers(engine: Engine, mandate: Mandate | null = null): Promise<void> {
  const of = (id: string, account: string) => ({ id, account, name: id, suspended: false, mandate })
  await addAgent(engine, of('agent_1', 'account_1'), tokens.agent)
  await addAgent(engine, of('agent_2', 'account_1'), tokens.colleague)
  await addAgent(engine, of('agent_3', 'account_2'), tokens.stranger)
  await addOperator(engine, 'Olga', tokens.operator)
}

function createAsk(app: ReturnType<typeof createApp>): HttpWorld['ask'] {
  return async <Body>(method: string, path: string, asking: Asking = {}): Promise<Reply<Body>> => {
    const { as = 'agent', key = null, body, headers } = asking
    const token = as === null ? null : tokens[as]
    const sent = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }
    const raw =
      typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
    const response = await app.request(path, {
      method,
      headers: sent,
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    })
    const text = await response.text()
    // The test says what it expects; a wrong shape fails its assertions.
    const isText = response.headers.get('content-type')?.startsWith('text/') === true
    const parsed = (text === '' || isText ? null : JSON.parse(text)) as Body
    return { status: response.status, headers: response.headers, body: parsed, text }
  }
}

// Steps at once, and sleeps between them for real: who waits for a payment is told in time.
function drivenBy(engine: () => Engine): Partial<Engine> {
  const drive = async (paymentId: string, run: number): Promise<void> => {
    for (;;) {
      const progress = await advance(engine(), paymentId, run)
      if (progress.next === 'wait') {
        await systemClock.sleep(Math.max(1, progress.untilMs - Date.now()))
      } else if (progress.next !== 'go_on') return
    }
  }
  return {
    clock: systemClock,
    time: keepTime(systemClock, () => undefined),
    wake: (paymentId, run) => void setImmediate(() => void drive(paymentId, run)),
  }
}
