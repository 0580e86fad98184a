// A refusal as it goes over the wire: a problem of RFC 9457 with our code and the advice.
import { adviseRejection } from '../core/advice.ts'
import type { Advice } from '../core/advice.ts'
import type { Payment } from '../core/payment.ts'
import { rejectionTable } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { AdviceJson, ProblemJson } from './wire.ts'
import type { Answer } from './service.ts'

export interface Refusal {
  readonly rejection: Rejection
  /** The payment that stands in the way, in this caller's own account. */
  readonly existing?: Payment | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface Place {
  /** The path that was asked. */
  readonly instance: string
  readonly docsUrl: string
  readonly nowMs: number
}

export function problem({ rejection, existing = null }: Refusal, place: Place): Answer {
  const { status, title } = rejectionTable[rejection.code]
  const advice = adviseRejection(rejection, existing, place.nowMs)
  const body: ProblemJson = {
    type: `${place.docsUrl}/errors#${rejection.code}`,
    title,
    status,
    detail: rejection.detail,
    instance: place.instance,
    code: rejection.code,
    ...(rejection.errors === undefined ? {} : { errors: [...rejection.errors] }),
    ...existingJson(rejection, existing),
    ...toAdviceJson(advice),
  }
  return { status, body, headers: headersOf(rejection, status, advice) }
}

// Another agent's payment is shown by id, state and advice, and by nothing else.
function existingJson(
  { existing: ids = [] }: Rejection,
  existing: Payment | null,
): Pick<ProblemJson, 'existing_payment' | 'existing_payments'> {
  return {
    ...(existing === null ? {} : { existing_payment: { id: existing.id, state: existing.state } }),
    ...(ids.length > 1 ? { existing_payments: [...ids] } : {}),
  }
}

function headersOf(
  { code }: Rejection,
  status: number,
  { nextAction: { afterSeconds } }: Advice,
): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    ...(code === 'unauthenticated' ? { 'www-authenticate': 'Bearer realm="quittance"' } : {}),
    ...(status === 429 || status >= 500 ? { 'retry-after': String(afterSeconds ?? 1) } : {}),
  }
}

export function toAdviceJson({ moneyMoved, nextAction, newKeyAllowed }: Advice): AdviceJson {
  const { type, afterSeconds, url } = nextAction
  return {
    money_moved: moneyMoved,
    next_action: { type, after: afterSeconds, url },
    new_key_allowed: newKeyAllowed,
  }
}
