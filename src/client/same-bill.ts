// A key that follows from the bill outlives the words of a request: an agent that lost its answer asks
// again, and words it anew. Only what decides the payment is compared then; what is ignored is told.
import type { Payment, PaymentRequest, Problem } from './types.ts'

/** What may be worded anew without another payment being meant. */
const wording = [
  'description',
  'metadata',
  'batch',
  'not_after',
  'distinct_from',
  'reason',
] as const

/**
 * The fields of the request that the stored payment of its key does not carry; `null`: it asks for
 * another payment. That payee and reference are of the same bill the service has said already.
 */
export function ignoredIn(request: PaymentRequest, payment: Payment): readonly string[] | null {
  const { amount, currency, processor, payment_method: method, capture, retry_of } = request
  const decides =
    amount === payment.amount &&
    currency === payment.currency &&
    (capture ?? 'automatic') === payment.capture &&
    (retry_of ?? null) === payment.retry_of &&
    (processor == null || processor === payment.processor) &&
    (method == null || method === payment.payment_method)
  if (!decides) return null
  return wording.filter((field) => request[field] != null && !isAsStored(field, request, payment))
}

function isAsStored(
  field: (typeof wording)[number],
  request: PaymentRequest,
  payment: Payment,
): boolean {
  switch (field) {
    case 'description':
    case 'batch':
      return request[field] === payment[field]
    case 'not_after':
      return Date.parse(request.not_after ?? '') === Date.parse(payment.not_after)
    case 'metadata':
      return sorted(request.metadata ?? {}) === sorted(payment.metadata)
    // Kept with the payment, and shown in its history only.
    case 'distinct_from':
    case 'reason':
      return false
  }
}

const sorted = (texts: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** The payment that this key has claimed already, where the refusal says that only words may differ. */
export const claimedBefore = ({ code, existing_payment: existing }: Problem): string | null =>
  code === 'idempotency_key_reused' ? (existing?.id ?? null) : null
