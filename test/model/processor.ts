// A processor so small that all of its behaviours can be enumerated: one payment's objects, a table
// of keys with a window, and a count of what really moved. Immutable; every request gives a new one.
// It is as unkind as its capabilities allow: what is not promised happens.
import type { Answer, ObjectView, Signal } from '../../src/core/outcome.ts'
import type { AttemptRequest, OperationKind } from '../../src/core/payment.ts'
import type { Capabilities } from '../../src/core/policy.ts'

export interface ModelObject {
  readonly id: string
  readonly attemptId: string
  readonly status: 'created' | 'pending' | 'authorised' | 'captured' | 'declined' | 'voided'
  /** How often this object was captured; more than once is the harm that everything here prevents. */
  readonly captures: number
  readonly refunds: readonly { readonly id: string; readonly attemptId: string }[]
  readonly madeAtMs: number
}

interface StoredAnswer {
  readonly attemptId: string
  readonly atMs: number
  readonly answer: Answer
}

export interface ModelProcessor {
  readonly objects: readonly ModelObject[]
  readonly keys: readonly StoredAnswer[]
  /** Cancelled by our reference: nothing that arrives later with it is executed. */
  readonly referenceFenced: boolean
}

export interface ModelRequest {
  readonly kind: OperationKind
  readonly attemptId: string
  readonly request: AttemptRequest
}

/** How this request goes where the processor is free to choose. */
export type Choice = 'plain' | 'decline' | 'pending' | 'slow_down' | '500_done' | '500_not_done'

export const amount = 1000
export const currency = 'EUR'

export const emptyProcessor: ModelProcessor = { objects: [], keys: [], referenceFenced: false }

export const capturesOf = ({ objects }: ModelProcessor): number =>
  objects.reduce((sum, object) => sum + object.captures, 0)

export const hasLiveAuthorisation = ({ objects }: ModelProcessor): boolean =>
  objects.some(({ status }) => status === 'authorised')

export function execute(
  before: ModelProcessor,
  request: ModelRequest,
  choice: Choice,
  can: Capabilities,
  nowMs: number,
): { readonly after: ModelProcessor; readonly answer: Answer } {
  const stored = before.keys.find(({ attemptId }) => attemptId === request.attemptId)
  if (stored !== undefined && nowMs - stored.atMs < can.keyWindowMs) {
    return { after: before, answer: { ...stored.answer, replayed: true } }
  }
  if (choice === 'slow_down') return { after: before, answer: answer('slow_down', null) }
  const done =
    choice === '500_not_done'
      ? { objects: before.objects, object: null, signal: 'server_error' as const }
      : act(before, request, choice, can, nowMs)
  const told =
    choice === '500_done' ? answer('server_error', null) : answer(done.signal, done.object)
  const succeeded = done.signal === 'done' || done.signal === 'not_final'
  const kept = succeeded || can.keyCachesErrors
  const others = before.keys.filter(({ attemptId }) => attemptId !== request.attemptId)
  const after: ModelProcessor = {
    objects: done.objects,
    keys: kept
      ? [...others, { attemptId: request.attemptId, atMs: nowMs, answer: told }]
      : before.keys,
    referenceFenced:
      before.referenceFenced ||
      (request.kind === 'void' && request.request.objectId === null && choice !== '500_not_done'),
  }
  return { after, answer: told }
}

interface Done {
  readonly objects: readonly ModelObject[]
  readonly object: ModelObject | null
  readonly signal: Signal
}

function act(
  { objects, referenceFenced }: ModelProcessor,
  { kind, attemptId, request }: ModelRequest,
  choice: Choice,
  can: Capabilities,
  nowMs: number,
): Done {
  const target = objects.find(({ id }) => id === request.objectId) ?? null
  const none: Done = { objects, object: null, signal: 'already_in_state' }
  const changed = (object: ModelObject, signal: Signal = 'done'): Done => ({
    objects: objects.map((each) => (each.id === object.id ? object : each)),
    object,
    signal,
  })
  const made = (status: ModelObject['status'], signal: Signal = 'done'): Done => {
    const id = `obj_${objects.length + 1}`
    const captures = status === 'captured' ? 1 : 0
    const object: ModelObject = { id, attemptId, status, captures, refunds: [], madeAtMs: nowMs }
    return { objects: [...objects, object], object, signal }
  }
  const asIs: Done = { objects, object: target, signal: 'already_in_state' }
  switch (kind) {
    case 'create':
      return referenceFenced ? none : made('created')
    case 'authorise': {
      const status = choice === 'decline' ? 'declined' : request.oneStep ? 'captured' : 'authorised'
      const signal = choice === 'decline' ? 'declined' : choice === 'pending' ? 'not_final' : 'done'
      const reached = choice === 'pending' ? 'pending' : status
      if (target === null) return referenceFenced ? none : made(reached, signal)
      const usable = target.status === 'created' || target.status === 'declined'
      if (!usable) return asIs
      return changed(
        { ...target, status: reached, captures: reached === 'captured' ? 1 : 0 },
        signal,
      )
    }
    case 'capture': {
      if (target === null) return none
      if (choice === 'decline') return { objects, object: null, signal: 'declined' }
      const again = target.status === 'captured' && !can.objectOnce
      const unfenced = target.status === 'voided' && !can.fence
      if (target.status !== 'authorised' && !again && !unfenced) return asIs
      return changed({ ...target, status: 'captured', captures: target.captures + 1 })
    }
    case 'void': {
      if (request.objectId !== null) {
        if (target === null) return none
        if (target.status === 'captured') return asIs
        return changed({ ...target, status: 'voided' })
      }
      const captured = objects.find(({ status }) => status === 'captured') ?? null
      const cancelled = objects.map((each): ModelObject =>
        each.status === 'captured' ? each : { ...each, status: 'voided' },
      )
      if (captured !== null)
        return { objects: cancelled, object: captured, signal: 'already_in_state' }
      return { objects: cancelled, object: cancelled.at(-1) ?? null, signal: 'done' }
    }
    case 'refund': {
      if (target === null) return none
      const refund = { id: `ref_${target.refunds.length + 1}`, attemptId }
      return changed({ ...target, refunds: [...target.refunds, refund] })
    }
  }
}

/** What happens by itself at the processor: a pending object comes to its end. */
export function finishPending(
  before: ModelProcessor,
  oneStep: boolean,
  ok: boolean,
): ModelProcessor {
  const status = !ok ? 'declined' : oneStep ? 'captured' : 'authorised'
  const objects = before.objects.map((object): ModelObject =>
    object.status === 'pending'
      ? { ...object, status, captures: status === 'captured' ? 1 : 0 }
      : object,
  )
  return { ...before, objects }
}

export function viewOf(object: ModelObject): ObjectView {
  const { status, captures } = object
  return {
    objectId: object.id,
    attemptId: object.attemptId,
    status,
    amount,
    currency,
    amountAuthorised: status === 'authorised' || status === 'captured' ? amount : 0,
    amountCaptured: captures > 0 ? amount : 0,
    amountReversed: 0,
    authorisationExpiresAtMs: null,
    decline: status === 'declined' ? { reason: 'declined', code: 'model' } : null,
    actionUrl: null,
    settlement: status === 'captured' ? { id: 'po_1', settledAtMs: 0, fee: null } : null,
    refunds: object.refunds.map(({ id, attemptId }) => ({
      objectId: id,
      attemptId,
      amount,
      status: 'succeeded' as const,
    })),
  }
}

export function answer(signal: Signal, object: ModelObject | null): Answer {
  return {
    signal,
    cause: signal,
    object: object === null ? null : viewOf(object),
    decline: signal === 'declined' ? { reason: 'declined', code: 'model' } : null,
    retryAfterMs: null,
    replayed: false,
    status: null,
    requestId: null,
    excerpt: null,
  }
}

/** What matters most first: money taken, money held, then the newest. */
export function mostTelling(objects: readonly ModelObject[]): ModelObject | null {
  const rank = ({ status }: ModelObject): number =>
    status === 'captured' ? 3 : status === 'authorised' ? 2 : status === 'pending' ? 1 : 0
  return objects.reduce<ModelObject | null>(
    (best, object) => (best === null || rank(object) >= rank(best) ? object : best),
    null,
  )
}
