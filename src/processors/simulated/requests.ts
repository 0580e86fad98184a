// The bytes of each operation: a function of the call and nothing else, so that every send of an
// attempt is the same to the byte, from any process, today and after an upgrade. Whoever changes a
// byte gives it a new version and keeps writing the old one for attempts that were frozen with it.
import type { Call } from '../../ports.ts'
import { idsOf, marksFor, referenceHash, refundMarksFor } from '../metadata.ts'

/** New attempts are frozen with it; version 2 tells what a payment can be rebuilt from. */
export const apiVersion = '2'

export const isKnownVersion = (version: string): boolean => version === '1' || version === '2'

const isOld = ({ attempt }: Call): boolean => attempt.request.apiVersion === '1'

export interface SimulatedRequest {
  readonly path: string
  readonly key: string
  readonly body: string
}

/**
 * `installation` is a part of the bytes too: it is made once for a store and never changes, and
 * without it two installations could not share an account at the processor.
 */
export function requestOf(call: Call, installation: string): SimulatedRequest {
  const { path, body } = contentOf(call, installation)
  // The attempt's id is unique over all payments and operations, and safe in a header.
  return { path, key: call.attempt.id, body: JSON.stringify(body) }
}

function contentOf(call: Call, installation: string): { path: string; body: unknown } {
  const { attempt, payment } = call
  const { amount, objectId, oneStep } = attempt.request
  switch (call.kind) {
    case 'create':
      return { path: '/v1/charges', body: { ...charge(call, installation), confirm: false } }
    case 'authorise':
      return objectId === null
        ? { path: '/v1/charges', body: { ...charge(call, installation), capture: oneStep } }
        : { path: `${pathOf(objectId)}/confirm`, body: { capture: oneStep } }
    case 'capture':
      return { path: `${pathOf(objectId)}/capture`, body: { amount } }
    case 'void':
      // By our reference where no object is known: that is also the fence before a late arrival.
      return objectId === null
        ? { path: '/v1/cancellations', body: { reference: payment.id } }
        : { path: `${pathOf(objectId)}/cancel`, body: {} }
    case 'refund': {
      const marks = isOld(call) ? {} : refundMarksFor(call)
      const metadata = { ...idsOf(call, installation), ...marks }
      const body = { amount, reference: attempt.id, metadata }
      return { path: `${pathOf(objectId)}/refunds`, body }
    }
  }
}

function charge(call: Call, installation: string): Readonly<Record<string, unknown>> {
  const { attempt, payment } = call
  return {
    amount: attempt.request.amount,
    currency: payment.currency,
    payee: payment.payee,
    reference: payment.id,
    payment_method: payment.paymentMethod,
    metadata: {
      ...idsOf(call, installation),
      reference_hash: referenceHash(payment),
      ...(isOld(call) ? {} : marksFor(call)),
    },
  }
}

function pathOf(objectId: string | null): string {
  if (objectId === null) throw new Error('this operation acts on an object, and there is none')
  return `/v1/charges/${encodeURIComponent(objectId)}`
}
