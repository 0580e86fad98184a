// Recovery after a restore, over HTTP: for operators, while the service is read-only.
import type { Asking, Send } from './ask.ts'
import { search } from './search.ts'
import type { Refused } from './types.ts'

type Told<Facts> = ({ readonly ok: true } & Facts) | Refused

export interface RecoveryState {
  readonly object: 'recovery'
  readonly status: 'checking' | 'read_only' | 'open'
  readonly why: string
  readonly unknown: number
  readonly since: string | null
}

/** An object of the processor that the store does not know, and what becomes of it. */
export interface RecoveryObject {
  readonly object: 'recovery_object'
  readonly processor: string
  readonly processor_reference: string
  readonly processor_status: string
  readonly payment: string | null
  readonly found: 'no_payment' | 'no_attempt' | 'moved_on' | 'no_refund' | 'nameless'
  readonly result: 'rebuilt' | 'caught_up' | 'left'
  readonly state: string | null
  readonly account: string | null
  readonly agent: string | null
  readonly payee: string | null
  readonly bill_hash: string | null
  readonly key_known: boolean
  readonly amount: number
  readonly currency: string
  readonly amount_captured: number
  readonly created_at: string
  readonly why: string | null
}

export type RecoveryResult = Told<{ readonly recovery: RecoveryState }>

export type RecoveryPageResult = Told<{
  readonly data: readonly RecoveryObject[]
  readonly cursor: string | null
  readonly unreadable: number
}>

interface Pass {
  readonly cursor?: string
  readonly account?: string
}

export interface RecoveryClient {
  readonly recovery: (how?: Asking) => Promise<RecoveryResult>
  /** What is missing; changes nothing. */
  readonly recoveryObjects: (pass?: Pass, how?: Asking) => Promise<RecoveryPageResult>
  /** Rebuilds one page; to be asked until there is no cursor. */
  readonly rebuild: (
    pass: Pass & { readonly reason: string },
    how?: Asking,
  ) => Promise<RecoveryPageResult>
  readonly confirmRecovery: (
    act: { readonly reason: string; readonly leave?: number },
    how?: Asking,
  ) => Promise<RecoveryResult>
}

export function recoveryClient(send: Send): RecoveryClient {
  const path = '/v1/recovery'
  const state = async (asked: Parameters<Send>[0], how?: Asking): Promise<RecoveryResult> => {
    const reply = await send(asked, how)
    // The service's own answer.
    return reply.ok ? { ok: true, recovery: reply.body as RecoveryState } : reply
  }
  const page = async (asked: Parameters<Send>[0], how?: Asking): Promise<RecoveryPageResult> => {
    const reply = await send(asked, how)
    if (!reply.ok) return reply
    type Page = Omit<Extract<RecoveryPageResult, { ok: true }>, 'ok'>
    return { ok: true, ...(reply.body as Page) } // as above
  }
  return {
    recovery: (how) => state({ method: 'GET', path }, how),
    recoveryObjects: (pass = {}, how) =>
      page({ method: 'GET', path: `${path}/objects${search({ ...pass })}` }, how),
    rebuild: (body, how) => page({ method: 'POST', path: `${path}/rebuild`, body }, how),
    confirmRecovery: (body, how) => state({ method: 'POST', path: `${path}/confirm`, body }, how),
  }
}
