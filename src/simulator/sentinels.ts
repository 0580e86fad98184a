// Payees that a person can type to see a path go wrong, each with one line of what happens. The
// README prints this table; nothing else knows these names.
import type { FaultKind, Operation } from './faults.ts'

export type Behaviour =
  | 'declined'
  | 'insufficient_funds'
  | 'declined_once'
  | 'capture_declined'
  | 'action_required'
  | 'processing'
  | 'expires'

export interface Sentinel {
  readonly what: string
  /** What befalls the first call of an operation for a charge reference; later calls behave. */
  readonly first?: Partial<Readonly<Record<Operation, FaultKind>>>
  /** What befalls every call. */
  readonly always?: FaultKind
  readonly behaviour?: Behaviour
}

export const sentinels: Readonly<Record<string, Sentinel>> = Object.freeze({
  acct_504_after_authorise: {
    what: 'authorised, but the answer is a gateway 504',
    first: { authorise: '504_after' },
  },
  acct_504_before_authorise: {
    what: 'a gateway 504 to the authorisation, nothing done',
    first: { authorise: '504_before' },
  },
  acct_504_after_capture: {
    what: 'captured, but the answer is a gateway 504',
    first: { capture: '504_after' },
  },
  acct_504_before_capture: {
    what: 'a gateway 504 to the capture, nothing done',
    first: { capture: '504_before' },
  },
  acct_timeout_after_authorise: {
    what: 'authorised, but no answer ever comes',
    first: { authorise: 'timeout_after' },
  },
  acct_timeout_after_capture: {
    what: 'captured, but no answer ever comes',
    first: { capture: 'timeout_after' },
  },
  acct_reset_after_authorise: {
    what: 'authorised, but the connection is reset',
    first: { authorise: 'reset_after' },
  },
  acct_reset_after_capture: {
    what: 'captured, but the connection is reset',
    first: { capture: 'reset_after' },
  },
  acct_500_then_done: {
    what: 'authorised, but the key answers 500 from then on',
    first: { authorise: '500_then_done' },
  },
  acct_500_then_not: {
    what: 'not authorised, and the key answers 500 from then on',
    first: { authorise: '500_then_not' },
  },
  acct_late_capture: {
    what: 'a gateway 504 to the capture, which arrives and is done later',
    first: { capture: 'late' },
  },
  acct_429: {
    what: 'the first authorisation and the first capture are told to slow down',
    first: { authorise: '429', capture: '429' },
  },
  acct_slow: {
    what: 'the first authorisation and the first capture take their time',
    first: { authorise: 'slow', capture: 'slow' },
  },
  acct_garbage: {
    what: 'authorised and captured, but the first answer to each breaks off in the middle',
    first: { authorise: 'garbage_answer', capture: 'garbage_answer' },
  },
  acct_declined: { what: 'always declined', behaviour: 'declined' },
  acct_insufficient_funds: {
    what: 'always declined for want of funds',
    behaviour: 'insufficient_funds',
  },
  acct_declined_once: {
    what: 'the first charge for a bill is declined, later ones succeed',
    behaviour: 'declined_once',
  },
  acct_capture_declined: {
    what: 'authorised, but each capture is refused',
    behaviour: 'capture_declined',
  },
  acct_action_required: {
    what: 'waits for a person until `POST /v1/charges/:id/complete_action`',
    behaviour: 'action_required',
  },
  acct_processing: {
    what: 'in `processing` for a while, then authorised',
    behaviour: 'processing',
  },
  acct_expires: { what: 'authorised, and lapsed at once', behaviour: 'expires' },
  acct_unreachable: {
    what: 'every call about it is a gateway 504 or hangs, nothing done',
    always: '504_before',
  },
})

export function sentinelOf(payee: string | null): Sentinel | null {
  if (payee === null) return null
  const name = payee.trim().toLowerCase()
  return Object.hasOwn(sentinels, name) ? (sentinels[name] ?? null) : null
}

/** Why the issuer says no, in the words of the wire. */
export const declines = Object.freeze({
  declined: { code: 'do_not_honour', reason: 'The issuer does not say why.' },
  declined_once: { code: 'do_not_honour', reason: 'The issuer does not say why.' },
  insufficient_funds: { code: 'insufficient_funds', reason: 'The account has not enough funds.' },
  capture_declined: { code: 'capture_declined', reason: 'The issuer refuses to pay it out.' },
})
