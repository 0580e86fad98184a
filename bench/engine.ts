// The design by itself: engine, driver and SQLite store with every durable step, and a processor in
// memory that answers at once. What is left out is HTTP, which any design has to pay for.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { defaultClaimPolicy } from '../src/core/claim.ts'
import type { Answer, ObjectView } from '../src/core/outcome.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import type { Capabilities } from '../src/core/policy.ts'
import { createDriver } from '../src/embedded/driver.ts'
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import { createBreakers } from '../src/engine/breakers.ts'
import { createSlots } from '../src/engine/slots.ts'
import { createChanges } from '../src/engine/changes.ts'
import type { Engine } from '../src/engine/engine.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { addAgent } from '../src/engine/identity.ts'
import { waitForPayment } from '../src/engine/read.ts'
import { submit } from '../src/engine/submit.ts'
import { randomIds, systemClock } from '../src/engine/system.ts'
import { keepTime } from '../src/engine/time.ts'
import type { Processor } from '../src/ports.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'
import { measure } from './load.ts'
import type { Measured } from './load.ts'

const caller = { agent: 'agent_bench', account: 'bench' }

export async function measureEngine(
  concurrency: number,
  warmUpMs: number,
  measureMs: number,
): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-bench-'))
  const engine = openEngine(join(folder, 'quittance.db'))
  try {
    await addAgent(
      engine.engine,
      { id: caller.agent, account: caller.account, name: '', suspended: false, mandate: null },
      'bench_agent_token_0123456789',
    )
    engine.driver.start(engine.engine)
    const payOnce = (): Promise<boolean> => pay(engine.engine)
    return await measure({ concurrency, warmUpMs, measureMs, payOnce })
  } finally {
    await engine.driver.stop()
    await engine.engine.store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function openEngine(file: string) {
  const driver = createDriver()
  const processor = answeringAtOnce()
  const engine: Engine = Object.freeze({
    store: openSqliteStore({ file }),
    processors: new Map([[processor.binding.processor, processor]]),
    clock: systemClock,
    time: keepTime(systemClock, () => undefined),
    ids: randomIds,
    policy: defaultPolicy,
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: defaultBreakerPolicy,
    rateLimits: new Map(),
    breakers: createBreakers(),
    slots: createSlots(),
    alarm: () => undefined,
    log: () => undefined,
    meter: silentMeter,
    changes: createChanges(),
    wake: driver.wake,
  })
  return { engine, driver }
}

async function pay(engine: Engine): Promise<boolean> {
  const id = randomUUID()
  const key = { method: 'POST', path: '/v1/payments', key: id, fingerprint: 'bench' }
  const submission = await submit(engine, caller, key, {
    amount: 1999,
    currency: 'EUR',
    payee: `payee ${id}`,
    reference: id,
    description: null,
    metadata: {},
    processor: null,
    paymentMethod: null,
    capture: 'automatic',
    retryOf: null,
    distinctFrom: [],
    reason: null,
    batch: null,
    notAfterMs: null,
  })
  if (submission.result === 'rejected') return false
  const view = await waitForPayment(engine, submission.paymentId, caller.account, 25_000)
  const state = view?.row.payment.state
  return state === 'captured' || state === 'settled'
}

function answeringAtOnce(): Processor {
  const objects = new Map<string, ObjectView>()
  const answer = (object: ObjectView): Answer => ({
    signal: 'done',
    cause: object.status,
    object,
    decline: null,
    retryAfterMs: null,
    replayed: false,
    status: 200,
    requestId: 'req_bench',
    excerpt: null,
  })
  return {
    binding: { processor: 'bench', processorAccount: 'acct_bench', livemode: false },
    capabilities: () => capabilities,
    send: async ({ kind, attempt, payment }) => {
      const { amount } = attempt.request
      const before = objects.get(payment.id) ?? {
        ...blank,
        amount,
        currency: payment.currency,
        objectId: `ch_${payment.id}`,
        attemptId: attempt.id,
      }
      const captured = kind === 'capture'
      const object: ObjectView = captured
        ? {
            ...before,
            status: 'captured',
            amountCaptured: amount,
            settlement: { id: 'set_bench', settledAtMs: Date.now(), fee: 0 },
          }
        : { ...before, status: 'authorised', amountAuthorised: amount }
      objects.set(payment.id, object)
      return answer(object)
    },
    lookUp: async ({ paymentId }) => {
      const object = objects.get(paymentId)
      return object === undefined
        ? { finding: 'not_found', consistent: true }
        : { finding: 'found', object, consistent: true }
    },
    readWebhook: () => null,
    close: async () => undefined,
  }
}

const capabilities: Capabilities = {
  keyWindowMs: 86_400_000,
  keyCachesErrors: true,
  objectFirst: false,
  objectOnce: true,
  absenceAfterMs: 5_000,
  fence: true,
  cancelByReference: true,
  lookupByReference: true,
  lookupLagMs: 2_000,
  twoStep: true,
  authorisationWindowMs: 604_800_000,
  apiVersion: 'bench-1',
}

const blank: ObjectView = {
  objectId: '',
  attemptId: null,
  status: 'authorised',
  amount: 0,
  currency: 'EUR',
  amountAuthorised: 0,
  amountCaptured: 0,
  amountReversed: 0,
  authorisationExpiresAtMs: null,
  decline: null,
  actionUrl: null,
  settlement: null,
  refunds: [],
}
