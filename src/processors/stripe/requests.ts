// The request of each operation: a function of the call and of settings that never change, so that every
// send of an attempt is the same to the byte, from any process.
import type Stripe from 'stripe'

import type { Call } from '../../ports.ts'
import { idsOf, marksFor, referenceHash, refundMarksFor } from '../metadata.ts'
import { expanded } from './intent.ts'

/** Where a payment's money goes. */
export type PayeeIs =
  /** Our own account takes it; the payee is a word in the metadata. */
  | 'note'
  /** A connected account, by its id: what is captured is transferred to it. */
  | 'connected_account'

export interface RequestSettings {
  /** Part of the bytes; made once for a store. */
  readonly installation: string
  readonly payeeIs: PayeeIs
  /** Where a person comes back to after 3-D Secure; `null`: methods that need it are refused. */
  readonly returnUrl: string | null
}

export type Ask = (stripe: Stripe) => Promise<unknown>

/** `null`: Stripe has no such request. */
export function requestOf(call: Call, settings: RequestSettings): Ask | null {
  const { attempt, payment } = call
  const { amount, objectId, oneStep } = attempt.request
  // The attempt's id is unique over all payments and operations, and safe in a header.
  const key = { idempotencyKey: attempt.id }
  const expand = [...expanded]
  switch (call.kind) {
    case 'create':
      return (stripe) =>
        stripe.paymentIntents.create({ ...intentOf(call, settings, false), expand }, key)
    case 'authorise': {
      const captures = oneStep ? 'automatic' : 'manual'
      if (objectId === null) {
        const asked = { ...intentOf(call, settings, oneStep), ...confirmation(settings) }
        return (stripe) => stripe.paymentIntents.create({ ...asked, confirm: true, expand }, key)
      }
      return (stripe) =>
        stripe.paymentIntents.confirm(
          objectId,
          { ...confirmation(settings), capture_method: captures, expand },
          key,
        )
    }
    case 'capture':
      return objectId === null
        ? null
        : (stripe) =>
            stripe.paymentIntents.capture(objectId, { amount_to_capture: amount, expand }, key)
    case 'void':
      return objectId === null
        ? null
        : (stripe) => stripe.paymentIntents.cancel(objectId, { expand }, key)
    case 'refund': {
      if (objectId === null) return null
      const metadata = { ...idsOf(call, settings.installation), ...refundMarksFor(call) }
      const asked = { payment_intent: objectId, amount, metadata }
      return (stripe) =>
        stripe.refunds.create(
          { ...asked, expand: expanded.map((path) => `payment_intent.${path}`) },
          key,
        )
    }
  }

  function intentOf(
    { payment: { payee } }: Call,
    { installation, payeeIs }: RequestSettings,
    captures: boolean,
  ): Stripe.PaymentIntentCreateParams {
    const { customer, method } = methodOf(payment.paymentMethod)
    return {
      amount,
      currency: payment.currency.toLowerCase(),
      capture_method: captures ? 'automatic' : 'manual',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      ...(customer === null ? {} : { customer }),
      ...(method === null ? {} : { payment_method: method }),
      ...(payeeIs === 'connected_account'
        ? { transfer_data: { destination: payee }, on_behalf_of: payee }
        : {}),
      metadata: {
        ...idsOf(call, installation),
        reference_hash: referenceHash(payment),
        payee: payee.slice(0, longestValue),
        ...(payment.paymentMethod === null ? {} : { payment_method: payment.paymentMethod }),
        ...marksFor(call),
      },
    }
  }
}

/** Of a value in Stripe's metadata, in characters. */
const longestValue = 500

const confirmation = ({ returnUrl }: RequestSettings) =>
  ({ off_session: true, ...(returnUrl === null ? {} : { return_url: returnUrl }) }) as const

/** `pm_…`, or `cus_…/pm_…` where the method is a customer's. */
function methodOf(given: string | null): {
  readonly customer: string | null
  readonly method: string | null
} {
  if (given === null) return { customer: null, method: null }
  const [first = '', second] = given.split('/')
  return second === undefined
    ? { customer: null, method: first }
    : { customer: first, method: second }
}
