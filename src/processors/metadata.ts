// What the objects of a processor carry of their payment, in its metadata: ids, the hash of the bill, and
// the marks from which a store that was lost can be rebuilt. The words are the same at every processor.
import { hash } from 'node:crypto'

import { lookAlikeKeys } from '../core/guards.ts'
import type { Marks } from '../core/marks.ts'
import { normalise } from '../core/normalise.ts'
import type { Call } from '../ports.ts'

/** Whose payment it is, and by which hashes whoever asks again is recognised. */
export function marksFor({ payment }: Call): Record<string, string> {
  const { agent, account, capture, batch, retryOf, retryCount, amount, asked } = payment
  const alike =
    account === undefined || amount === undefined
      ? null
      : lookAlikeKeys({ ...payment, account, amount })[1]
  const marks = {
    account,
    agent,
    capture,
    batch,
    retry_of: retryOf,
    retry_count: (retryCount ?? 0) === 0 ? null : String(retryCount),
    look_alike_hash: alike === null ? null : hash('sha256', alike, 'base64url'),
    key_hash: asked?.key,
    request_hash:
      asked === undefined ? null : Buffer.from(asked.request, 'hex').toString('base64url'),
  }
  return Object.fromEntries(
    Object.entries(marks).filter((each): each is [string, string] => typeof each[1] === 'string'),
  )
}

/** A refund is asked for once by its reference: without it, it could be made a second time. */
export function refundMarksFor({ attempt, payment }: Call): Record<string, string> {
  const refund = payment.refunds?.find(({ operation }) => operation?.attempt.id === attempt.id)
  return refund === undefined ? {} : { refund: refund.id, refund_reference: refund.reference }
}

export function idsOf({ attempt, payment }: Call, installation: string): Record<string, string> {
  return { installation, payment: payment.id, attempt: attempt.id }
}

/**
 * Names the bill without telling it: two payments for one bill carry the same hash, so that guards
 * can be rebuilt from the processor's records. Normalisation 1 belongs to these bytes.
 */
export function referenceHash({ payee, reference }: Call['payment']): string {
  return hash('sha256', JSON.stringify([normalise(payee), normalise(reference)]))
}

/** An object with what was written into its metadata. */
export interface Marked {
  readonly metadata: Readonly<Record<string, string>>
  readonly payee?: string | undefined
  readonly payment_method?: string | null | undefined
  readonly refunds: readonly {
    readonly id: string
    readonly metadata: Readonly<Record<string, string>>
  }[]
}

/** What `marksFor` told; each is as somebody wrote it, and checked by whoever believes it. */
export function marksIn({
  metadata,
  payee,
  payment_method: paymentMethod,
  refunds,
}: Marked): Marks {
  const told = (name: string): string | null => metadata[name] ?? null
  const capture = told('capture')
  const [key, request] = [told('key_hash'), told('request_hash')]
  return {
    account: told('account'),
    agent: told('agent'),
    capture: capture === 'automatic' || capture === 'manual' ? capture : null,
    batch: told('batch'),
    retryOf: told('retry_of'),
    retryCount: Number(told('retry_count') ?? '0') || 0,
    payee: payee ?? null,
    paymentMethod: paymentMethod ?? null,
    billHash: told('reference_hash'),
    alikeHash: told('look_alike_hash'),
    asked:
      key === null || request === null
        ? null
        : { key, request: Buffer.from(request, 'base64url').toString('hex') },
    refunds: refunds.map((refund) => ({
      objectId: refund.id,
      refundId: refund.metadata['refund'] ?? null,
      reference: refund.metadata['refund_reference'] ?? null,
    })),
  }
}
