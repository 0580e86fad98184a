// Takes the words of people out of a payment. They stand beside it, in its details, because no decision
// needs them: key, guards, hashes and events stay, so that a replay is still a replay.
import type { Rejection } from '../core/rejections.ts'
import { reject } from '../core/rejections.ts'
import type { Act } from './control.ts'
import { recordAct } from './audit.ts'
import type { Engine } from './engine.ts'

export type RedactResult =
  /** `unchanged`: there was nothing left to take out, and nothing was written. */
  | { readonly result: 'redacted' | 'unchanged' }
  | { readonly result: 'not_found' }
  | { readonly result: 'rejected'; readonly rejection: Rejection }

/** Nobody but us writes details after the claim: two operators at once are all that can collide. */
const maxConflicts = 10

export async function redactPayment(
  engine: Engine,
  paymentId: string,
  { by, reason }: Act,
): Promise<RedactResult> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [payment, details] = await engine.store.read([
      { table: 'payment', key: paymentId },
      { table: 'details', key: paymentId },
    ])
    if (payment === null) return { result: 'not_found' }
    if (details === null || isBare(details.value)) return { result: 'unchanged' }
    const value = { ...details.value, description: null, metadata: {} }
    const stored = await recordAct(engine, { act: 'redact', target: paymentId, by, reason }, [
      { do: 'put', table: 'details', key: paymentId, value, if: { version: details.version } },
    ])
    if (stored === 'stored') return { result: 'redacted' }
    if (stored !== 'conflict') return { result: 'rejected', rejection: stored }
  }
  const rejection = reject('retry_same_key', 'Too many act on this payment at once; ask again.')
  return { result: 'rejected', rejection }
}

const isBare = (details: {
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
}): boolean => details.description === null && Object.keys(details.metadata).length === 0
