// A processor small enough to be believed at a glance: a key table, charges, and faults that a test
// names call by call. Requests that were lost on the way may arrive later, when the test says so.
import type { Answer, Decline, Finding, ObjectView, Signal } from '../src/core/outcome.ts'
import type { Capabilities } from '../src/core/policy.ts'
import type { Call, Clock, LookUp, Processor } from '../src/ports.ts'

export type CallFault =
  | 'refused'
  | 'slow_down'
  | 'lost_before'
  | 'lost_after'
  | 'late'
  | 'stored_500'
  | 'decline'
  | 'no_answer'

export const sendFaults: readonly CallFault[] = [
  'refused',
  'slow_down',
  'lost_before',
  'lost_after',
  'late',
  'stored_500',
  'decline',
]

export const modelCapabilities: Capabilities = Object.freeze({
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
  apiVersion: 'model-1',
})

interface Charge {
  readonly id: string
  readonly paymentId: string
  readonly attemptId: string
  readonly amount: number
  readonly currency: string
  status: ObjectView['status']
  captured: number
  /** How often money was taken; more than once is what must never be. */
  captures: number
  refunds: { attemptId: string; amount: number }[]
}

export interface ModelProcessor extends Processor {
  readonly charges: readonly Charge[]
  /** Lets everything that was delayed on the way arrive now. */
  readonly arrive: () => void
  readonly capturesOf: (paymentId: string) => number
  readonly sends: readonly {
    readonly kind: string
    readonly attemptId: string
    readonly body: string
  }[]
}

type Stored = {
  readonly signal: Signal
  readonly chargeId: string | null
  readonly decline: Decline | null
}

export function createModelProcessor(
  clock: Clock,
  faultFor: (site: string) => CallFault | null = () => null,
  capabilities: Capabilities = modelCapabilities,
): ModelProcessor {
  const charges: Charge[] = []
  const keys = new Map<string, Stored & { atMs: number }>()
  const blocked = new Set<string>()
  const delayed: { call: Call; sentAtMs: number }[] = []
  const sends: { kind: string; attemptId: string; body: string }[] = []

  const execute = (call: Call, force?: 'decline'): Stored => {
    const known = keys.get(call.attempt.id)
    if (known !== undefined && clock.nowMs() - known.atMs < capabilities.keyWindowMs) return known
    const stored = perform(call, force)
    const storable = capabilities.keyCachesErrors || stored.decline === null
    if (storable) keys.set(call.attempt.id, { ...stored, atMs: clock.nowMs() })
    return stored
  }

  const perform = (call: Call, force?: 'decline'): Stored => {
    const { kind, attempt, payment } = call
    const { objectId, amount, oneStep } = attempt.request
    if (objectId === null) {
      if (kind === 'void') return cancelByReference(payment.id)
      return make(call, force)
    }
    const charge = charges.find((each) => each.id === objectId)
    if (charge === undefined) return { signal: 'invalid_content', chargeId: null, decline: invalid }
    const done: Stored = { signal: 'done', chargeId: charge.id, decline: null }
    const past: Stored = { ...done, signal: 'already_in_state' }
    if (force === 'decline') return { ...done, signal: 'declined', decline: refused }
    if (kind === 'authorise') {
      if (charge.status !== 'created') return past
      authorise(charge, oneStep)
      return done
    }
    if (kind === 'capture') {
      if (charge.status !== 'authorised') return past
      take(charge, amount)
      return done
    }
    if (kind === 'void') {
      if (charge.status !== 'authorised' && charge.status !== 'created') return past
      charge.status = 'voided'
      return done
    }
    charge.refunds.push({ attemptId: attempt.id, amount })
    return done
  }

  const make = ({ kind, attempt, payment }: Call, force?: 'decline'): Stored => {
    if (blocked.has(payment.id)) return { signal: 'not_sent', chargeId: null, decline: null }
    const charge: Charge = {
      id: `ch_${charges.length + 1}`,
      paymentId: payment.id,
      attemptId: attempt.id,
      amount: attempt.request.amount,
      currency: payment.currency,
      status: 'created',
      captured: 0,
      captures: 0,
      refunds: [],
    }
    charges.push(charge)
    if (force === 'decline') {
      charge.status = 'declined'
      return { signal: 'declined', chargeId: charge.id, decline: refused }
    }
    if (kind === 'authorise') authorise(charge, attempt.request.oneStep)
    return { signal: 'done', chargeId: charge.id, decline: null }
  }

  const cancelByReference = (paymentId: string): Stored => {
    const charge = charges.find(
      (each) => each.paymentId === paymentId && each.status !== 'declined',
    )
    if (charge?.captures === 1)
      return { signal: 'already_in_state', chargeId: charge.id, decline: null }
    blocked.add(paymentId)
    if (charge !== undefined) charge.status = 'voided'
    return { signal: 'done', chargeId: charge?.id ?? null, decline: null }
  }

  const answer = (stored: Stored, replayed: boolean): Answer => ({
    ...silence,
    signal: stored.signal,
    cause: stored.signal,
    decline: stored.decline,
    object: view(charges.find((each) => each.id === stored.chargeId)),
    replayed,
  })

  return {
    binding: { processor: 'model', processorAccount: 'acct_model', livemode: false },
    charges,
    sends,
    capabilities: () => capabilities,
    capturesOf: (paymentId) =>
      charges
        .filter((each) => each.paymentId === paymentId)
        .reduce((sum, each) => sum + each.captures, 0),
    arrive() {
      for (const { call, sentAtMs } of delayed.splice(0)) {
        // The model keeps its word: nothing arrives later than `absenceAfterMs` after the call's end.
        const lateMs = clock.nowMs() - sentAtMs - call.timeoutMs
        if (capabilities.absenceAfterMs === null || lateMs <= capabilities.absenceAfterMs)
          execute(call)
      }
    },
    async send(call) {
      const { kind, attempt } = call
      sends.push({ kind, attemptId: attempt.id, body: JSON.stringify(attempt.request) })
      const fault = faultFor(kind)
      if (fault === 'refused') return { ...silence, signal: 'not_sent', cause: 'ECONNREFUSED' }
      if (fault === 'slow_down')
        return { ...silence, signal: 'slow_down', cause: '429', retryAfterMs: 700 }
      if (fault === 'lost_before')
        return { ...silence, signal: 'connection_lost', cause: 'ECONNRESET' }
      if (fault === 'late') {
        delayed.push({ call, sentAtMs: clock.nowMs() })
        return { ...silence, signal: 'connection_lost', cause: 'timeout' }
      }
      const replayed = keys.has(attempt.id)
      const stored = execute(call, fault === 'decline' && !replayed ? 'decline' : undefined)
      if (fault === 'lost_after') return { ...silence, signal: 'gateway_error', cause: '504' }
      if (fault === 'stored_500') {
        keys.set(attempt.id, {
          signal: 'server_error',
          chargeId: null,
          decline: null,
          atMs: clock.nowMs(),
        })
        return { ...silence, signal: 'server_error', cause: '500' }
      }
      return answer(stored, replayed)
    },
    async lookUp(query: LookUp): Promise<Finding> {
      if (faultFor('look_up') !== null)
        return { finding: 'no_answer', cause: '504', retryAfterMs: null }
      const mine = charges.filter((each) =>
        query.objectId === null ? each.paymentId === query.paymentId : each.id === query.objectId,
      )
      const consistent = query.by !== 'reference'
      const object = view(mine.find((each) => each.captures > 0) ?? mine.at(-1))
      return object === null
        ? { finding: 'not_found', consistent }
        : { finding: 'found', object, consistent }
    },
    readWebhook: () => null,
    close: async () => undefined,
  }
}

const refused: Decline = { reason: 'declined', code: 'insufficient_funds' }
const invalid: Decline = { reason: 'invalid', code: 'not_found' }

const silence: Answer = {
  signal: 'connection_lost',
  cause: '',
  object: null,
  decline: null,
  retryAfterMs: null,
  replayed: false,
  status: null,
  requestId: null,
  excerpt: null,
}

function authorise(charge: Charge, oneStep: boolean): void {
  charge.status = 'authorised'
  if (oneStep) take(charge, charge.amount)
}

function take(charge: Charge, amount: number): void {
  charge.status = 'captured'
  charge.captured = amount
  charge.captures += 1
}

function view(charge: Charge | undefined): ObjectView | null {
  if (charge === undefined) return null
  const { id, attemptId, status, amount, currency, captured } = charge
  const live = status === 'authorised' || status === 'captured'
  return {
    objectId: id,
    attemptId,
    status,
    amount,
    currency,
    amountAuthorised: live ? amount : 0,
    amountCaptured: captured,
    amountReversed: 0,
    authorisationExpiresAtMs: null,
    decline: status === 'declined' ? refused : null,
    actionUrl: null,
    settlement: captured > 0 ? { id: 'po_1', settledAtMs: 0, fee: 1 } : null,
    refunds: charge.refunds.map((each, index) => ({
      objectId: `re_${id}_${index}`,
      attemptId: each.attemptId,
      amount: each.amount,
      status: 'succeeded',
    })),
  }
}
