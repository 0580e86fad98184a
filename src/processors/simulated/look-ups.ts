// Reads of the processor's charges and what they find. `not_found` is said only where the processor
// itself said so: it may become a proof of absence.
import * as z from 'zod'

import type { Finding, LookUp } from '../../ports.ts'
import type { HttpResult } from '../http.ts'
import { readCharge, viewOf } from './charge.ts'
import type { Charge } from './charge.ts'
import { readResponse } from '../response.ts'
import type { Response } from '../response.ts'

/** `null`: there is no object to ask for. */
export function pathTo({ by, paymentId, objectId }: LookUp): string | null {
  switch (by) {
    case 'object':
      return objectId === null ? null : `/v1/charges/${encodeURIComponent(objectId)}`
    case 'reference':
      return `/v1/charges?reference=${encodeURIComponent(paymentId)}`
    case 'records':
      return `/v1/charges?payment=${encodeURIComponent(paymentId)}`
  }
}

export function findingIn(query: LookUp, result: HttpResult, nowMs: number): Finding {
  if (result.result !== 'answered') return none(result.cause)
  const response = readResponse(result, nowMs)
  const { status, error } = response
  if (status === 200) {
    return query.by === 'object' ? oneCharge(query, response) : someCharges(query, response)
  }
  // A missing route is a 404 as well, and says nothing about a charge: only a charge names its id.
  const isMissing = status === 404 && error?.code === 'not_found' && error.param === 'id'
  if (isMissing && query.by === 'object') return { finding: 'not_found', consistent: true }
  return none(error?.code ?? `http_${status}`, response.retryAfterMs)
}

function oneCharge(query: LookUp, { json }: Response): Finding {
  const charge = readCharge(json)
  if (charge === null) return none('unreadable')
  const isOurs = charge.id === query.objectId && charge.reference === query.paymentId
  return isOurs ? found(charge, true) : none('mismatched_answer')
}

const listShape = z.object({
  object: z.literal('list'),
  data: z.array(z.unknown()),
  has_more: z.boolean(),
})

function someCharges({ by, paymentId }: LookUp, { json }: Response): Finding {
  const consistent = by === 'records'
  const list = listShape.safeParse(json).data
  const charges = list?.data.map(readCharge) ?? []
  const read = charges.filter((charge) => charge !== null)
  // A list that is cut short or that we cannot read to its end proves nothing.
  if (list === undefined || read.length < charges.length) return none('unreadable')
  if (list.has_more) return none('incomplete_list')
  const theirs = ({ reference, metadata }: Charge): string | undefined =>
    consistent ? metadata['payment'] : reference
  if (read.some((charge) => theirs(charge) !== paymentId)) return none('mismatched_answer')
  const charge = mostTelling(read)
  return charge === null ? { finding: 'not_found', consistent } : found(charge, consistent)
}

/**
 * Of several charges of one payment the one that took money, else that holds some, else that still
 * may, else the newest: what is overlooked here could be taken for nothing.
 */
function mostTelling(charges: readonly Charge[]): Charge | null {
  return charges.reduce<Charge | null>((best, charge) => {
    if (best === null) return charge
    const difference = weight(charge) - weight(best)
    const isNewer = charge.created_at >= best.created_at
    return difference > 0 || (difference === 0 && isNewer) ? charge : best
  }, null)
}

function weight({ status }: Charge): number {
  switch (status) {
    case 'captured':
      return 3
    case 'authorised':
      return 2
    case 'processing':
    case 'requires_action':
      return 1
    case 'created':
    case 'cancelled':
    case 'expired':
    case 'declined':
      return 0
  }
}

function found(charge: Charge, consistent: boolean): Finding {
  return { finding: 'found', object: viewOf(charge), consistent }
}

function none(cause: string, retryAfterMs: number | null = null): Finding {
  return { finding: 'no_answer', cause: cause.slice(0, 64), retryAfterMs }
}
