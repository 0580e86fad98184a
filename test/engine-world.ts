// An engine in a world that a test holds in its hand: memory store, clock, model processor.
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import { createBreakers } from '../src/engine/breakers.ts'
import { createSlots } from '../src/engine/slots.ts'
import { createChanges } from '../src/engine/changes.ts'
import { advance } from '../src/engine/advance.ts'
import type { Alarm, Engine } from '../src/engine/engine.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { addAgent } from '../src/engine/identity.ts'
import type { PaymentRequest, RequestKey } from '../src/engine/submit.ts'
import { keepTime } from '../src/engine/time.ts'
import { randomIds } from '../src/engine/system.ts'
import { defaultClaimPolicy } from '../src/core/claim.ts'
import type { Mandate } from '../src/core/mandate.ts'
import type { ObjectView } from '../src/core/outcome.ts'
import type { State } from '../src/core/payment.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import type { Capabilities } from '../src/core/policy.ts'
import type { Clock } from '../src/ports.ts'
import { openMemoryStore } from '../src/stores/memory.ts'
import type { MemoryOptions } from '../src/stores/memory.ts'
import { createModelProcessor } from './model-processor.ts'
import type { CallFault, ModelProcessor } from './model-processor.ts'

export const aCaller = { agent: 'agent_1', account: 'account_1' }

export const aRequest: PaymentRequest = {
  amount: 1999,
  currency: 'EUR',
  payee: 'ACME',
  reference: 'INV-1',
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
}

export const requestKey = (key: string): RequestKey => ({
  method: 'POST',
  path: '/v1/payments',
  key,
  fingerprint: 'same',
})

export interface TestWorldOptions extends MemoryOptions {
  readonly fault?: (kind: string) => CallFault | null
  readonly capabilities?: Capabilities
  readonly accountMandate?: Mandate
}

export interface TestWorld {
  readonly engine: Engine
  readonly processor: ModelProcessor
  readonly hand: { nowMs: number; steadyMs: number }
  readonly alarms: Alarm[]
  readonly woken: { paymentId: string; run: number }[]
  readonly stateOf: (paymentId: string) => Promise<State | undefined>
  readonly capturedObject: (amount: number, currency: string) => ObjectView
  readonly ready: () => Promise<TestWorld>
}

export function createTestEngine(options: TestWorldOptions = {}): TestWorld {
  const hand = { nowMs: 1_800_000_000_000, steadyMs: 0 }
  const alarms: Alarm[] = []
  const woken: { paymentId: string; run: number }[] = []
  const clock: Clock = {
    nowMs: () => hand.nowMs,
    steadyMs: () => hand.steadyMs,
    sleep: async (forMs) => {
      hand.nowMs += forMs
      hand.steadyMs += forMs
    },
  }
  const processor = createModelProcessor(clock, options.fault, options.capabilities)
  const store = openMemoryStore(options)
  const alarm = (raised: Alarm): void => void alarms.push(raised)
  const engine: Engine = {
    store,
    processors: new Map([['model', processor]]),
    clock,
    time: keepTime(clock, (byMs) =>
      alarm({ kind: 'clock_jumped', paymentId: null, detail: String(byMs) }),
    ),
    ids: randomIds,
    policy: defaultPolicy,
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: defaultBreakerPolicy,
    rateLimits: new Map(),
    breakers: createBreakers(),
    slots: createSlots(),
    alarm,
    log: () => undefined,
    meter: silentMeter,
    changes: createChanges(),
    wake: (paymentId, run) => void woken.push({ paymentId, run }),
  }
  const world: TestWorld = {
    engine,
    processor,
    hand,
    alarms,
    woken,
    async stateOf(paymentId) {
      const [row] = await store.read([{ table: 'payment', key: paymentId }])
      return row?.value.payment.state
    },
    capturedObject: (amount, currency) => ({
      ...anObject,
      amount,
      currency,
      amountAuthorised: amount,
      amountCaptured: amount,
    }),
    async ready() {
      const agent = {
        id: aCaller.agent,
        account: aCaller.account,
        name: '',
        suspended: false,
        mandate: null,
      }
      await addAgent(engine, agent, 'a token of sixteen')
      const value = { id: aCaller.account, mandate: options.accountMandate ?? null }
      const put = { do: 'put', table: 'account', key: aCaller.account, value, if: null } as const
      await store.commit({ commitId: 'cmt_mandate', actions: [put] })
      return world
    },
  }
  return world
}

const anObject: ObjectView = {
  objectId: 'ch_elsewhere',
  attemptId: null,
  status: 'captured',
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

/** Drives a payment with the newest run until nothing is left to do by itself. */
export async function toRest({ engine, hand }: TestWorld, paymentId: string): Promise<void> {
  for (let step = 0; step < 300; step += 1) {
    const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
    const progress = await advance(engine, paymentId, row?.value.run ?? 1)
    if (progress.next === 'done') return
    if (progress.next === 'wait') {
      const byMs = Math.max(0, progress.untilMs - hand.nowMs)
      hand.nowMs += byMs
      hand.steadyMs += byMs
    }
  }
  throw new Error('it does not come to rest')
}
