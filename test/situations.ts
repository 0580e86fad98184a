// The situations in which an agent asks what to do next, each with a payment that is in it.
// `docs/reference/advice.md` prints what is told; `src/core/advice.test.ts` pins it.
import type { Fact, Payment } from '../src/core/payment.ts'
import * as build from './build.ts'

export interface Situation {
  readonly name: string
  readonly payment: Payment
  /** How long after its claim it is asked about. */
  readonly afterMs: number
}

const validated: Fact = { type: 'validated' }
const authorise = { kind: 'authorise' } as const
const capture = { kind: 'capture' } as const
const create = { kind: 'create' } as const
const sent = [validated, build.opened(authorise)]
const authorised = [...sent, build.authorised()]
const captureSent = [...authorised, build.opened(capture, { number: 2, objectId: build.objectId })]
const captured = [...captureSent, build.captured()]
const refunded: Fact = {
  type: 'refund_succeeded',
  refundId: 'ref_1',
  objectId: 're_1',
  by: build.by,
}
const rejected = (reason: Extract<Fact, { type: 'rejected' }>['reason']): Fact => ({
  type: 'rejected',
  reason,
  by: 'quittance',
})

const soon = build.seconds
const late = 16 * 60 * build.seconds

const of = (
  name: string,
  facts: readonly Fact[],
  afterMs = soon,
  over: build.ClaimOver = {},
): Situation => ({ name, payment: build.after(build.claimed(over), facts), afterMs })

const unknownAuthorise = [...sent, build.observed(authorise, 'unknown')]
const unknownCapture = [...captureSent, build.observed(capture, 'unknown')]

export const situations: readonly Situation[] = [
  of('claimed, nothing sent yet', []),
  of('held for an approval', [build.held('approval_required')]),
  of('held as a possible duplicate', [build.held('possible_duplicate')]),
  of('an object is being made: no money can move', [validated, build.opened(create)]),
  of('authorise sent', sent),
  of('authorise proved not executed, to be tried again', [
    ...sent,
    build.observed(authorise, 'not_executed'),
  ]),
  of('authorise unfinished at the processor', [...sent, build.observed(authorise, 'pending')]),
  of('authorise unfinished, a person must act', [
    ...sent,
    build.observed(authorise, 'pending'),
    build.held('action_required'),
  ]),
  of('authorise unknown', unknownAuthorise),
  of('authorise unknown, older than 15 minutes', unknownAuthorise, late),
  of('authorise unknown, parked', [...unknownAuthorise, build.held('dead_letter')]),
  of('authorise unknown, a void is asked for', [...unknownAuthorise, build.voidRequested]),
  of('retries exhausted with nothing executed, parked', [
    ...sent,
    build.observed(authorise, 'not_executed'),
    { type: 'parked', reason: 'retries_exhausted', attempts: 1 },
  ]),
  of('authorised, captured automatically', authorised),
  of('authorised, the agent is to capture', authorised, soon, { capture: 'manual' }),
  of('authorised, being voided', [...authorised, build.voidRequested]),
  of('capture sent', captureSent),
  of('capture unknown', unknownCapture),
  of('capture unknown, older than 15 minutes', unknownCapture, late),
  of('captured', captured),
  of('settled', [...captured, build.settled]),
  of('captured, a refund is under way', [...captured, build.refundRequested()]),
  of('refunded', [...captured, build.refundRequested(), refunded]),
  of('declined', [...sent, build.declined]),
  of('declined, after three retries of the bill', [...sent, build.declined], soon, {
    retryCount: 3,
  }),
  of('declined, while another object of it holds money', [
    validated,
    build.opened(create),
    build.objectCreated,
    {
      type: 'duplicate_found',
      object: build.object('captured', { objectId: 'obj_2' }),
      by: build.by,
    },
    build.declined,
  ]),
  of('voided', [...sent, build.voidRequested, build.voided]),
  of('expired', [...authorised, { type: 'expired', by: build.by }]),
  of('rejected: too late', [rejected('too_late')]),
  of('rejected: approval denied', [rejected('approval_denied')]),
  of('rejected: approval expired', [rejected('approval_expired')]),
  of('rejected: processor not available', [rejected('processor_unavailable')]),
  of('rejected: payment method not available', [rejected('payment_method_unavailable')]),
]
