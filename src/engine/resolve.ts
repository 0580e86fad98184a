// A person's word about a parked payment. `paid` is checked: the processor must show the object that
// the person names, and it must not be another payment's.
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { ObjectView } from '../core/outcome.ts'
import type { DeadLetterRow, Proposal } from '../core/dead-letter.ts'
import type { Payment } from '../core/payment.ts'
import { operatePayment } from './command.ts'
import type { CommandResult } from './command.ts'
import { boundProcessor, policyOf } from './engine.ts'
import type { Engine } from './engine.ts'
import { measured } from './meter.ts'

export interface Word {
  readonly by: string
  readonly reason: string
  readonly said:
    | { readonly finding: 'not_paid' }
    | { readonly finding: 'paid'; readonly processorReference: string }
}

/** `proposed`: kept until an operator of another name says the same. */
export type ResolveResult = CommandResult | { readonly result: 'proposed' }

export async function resolvePayment(
  engine: Engine,
  paymentId: string,
  word: Word,
  version: number,
): Promise<ResolveResult> {
  if (engine.secondOperator) {
    const proposed = await proposeFirst(engine, paymentId, word, version)
    if (proposed !== null) return proposed
    return resolveNow(engine, paymentId, word, version, (letter) =>
      isSecondOf(letter?.proposal ?? null, word, version),
    )
  }
  return resolveNow(engine, paymentId, word, version)
}

/** Has an operator of another name said the same of the same version before? */
function isSecondOf(first: Proposal | null, { by, said }: Word, version: number): boolean {
  const processorReference = said.finding === 'paid' ? said.processorReference : null
  return (
    first !== null &&
    first.by !== by &&
    first.finding === said.finding &&
    first.processorReference === processorReference &&
    first.seq === version
  )
}

async function resolveNow(
  engine: Engine,
  paymentId: string,
  { by, reason, said }: Word,
  version: number,
  letterIs?: (letter: DeadLetterRow | null) => boolean,
): Promise<CommandResult> {
  const act = (resolution: { finding: 'not_paid' } | { finding: 'paid'; object: ObjectView }) =>
    operatePayment(
      engine,
      paymentId,
      { type: 'resolve', by, reason, resolution },
      version,
      letterIs,
    )
  if (said.finding === 'not_paid') return act(said)
  const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
  const payment = row?.value.payment ?? null
  const refused = refusedBefore(payment, version)
  if (payment === null || refused !== null) {
    return { result: 'rejected', rejection: refused ?? missing, existing: payment }
  }
  const found = await findObject(engine, payment, said.processorReference)
  if ('object' in found) return act({ finding: 'paid', object: found.object })
  return { result: 'rejected', rejection: found, existing: payment }
}

/** `null`: another operator has said the same before; now it may be done. */
async function proposeFirst(
  engine: Engine,
  paymentId: string,
  word: Word,
  version: number,
): Promise<ResolveResult | null> {
  const { by, reason, said } = word
  const [row, letter] = await engine.store.read([
    { table: 'payment', key: paymentId },
    { table: 'dead_letter', key: paymentId },
  ])
  const payment = row?.value.payment ?? null
  const refused = refusedBefore(payment, version)
  if (refused !== null) return { result: 'rejected', rejection: refused, existing: payment }
  if (letter === null) {
    const rejection = reject('not_parked', 'It has no record in the dead letters.')
    return { result: 'rejected', rejection, existing: payment }
  }
  if (isSecondOf(letter.value.proposal, word, version)) return null
  const processorReference = said.finding === 'paid' ? said.processorReference : null
  const atMs = engine.time.nowMs(0)
  const { finding } = said
  const value = {
    ...letter.value,
    proposal: { by, atMs, finding, processorReference, reason, seq: version },
  }
  const committed = await engine.store.commit({
    commitId: engine.ids.next('cmt', atMs),
    actions: [
      {
        do: 'put',
        table: 'dead_letter',
        key: paymentId,
        value,
        if: { version: letter.version },
      },
    ],
  })
  if (committed.result === 'committed') return { result: 'proposed' }
  const rejection = reject('retry_same_key', 'It changed just now, or was not stored; look again.')
  return { result: 'rejected', rejection, existing: payment }
}

const missing = reject('payment_not_found', 'No payment has this id.')

// What is not parked, or not as it was shown, is refused before the processor is asked.
function refusedBefore(payment: Payment | null, version: number): Rejection | null {
  if (payment === null) return missing
  if (payment.seq !== version) {
    return reject('version_mismatch', `It is at version ${payment.seq} now.`)
  }
  const isParked = payment.holds.some((hold) => hold.reason === 'dead_letter')
  return isParked ? null : reject('not_parked', `It is ${payment.state}.`)
}

/** The object, or why the person's word cannot be taken now. */
async function findObject(
  engine: Engine,
  payment: Payment,
  objectId: string,
): Promise<{ readonly object: ObjectView } | Rejection> {
  const contradicts = (detail: string): Rejection =>
    reject('resolve_contradicts', detail, { existing: [payment.id] })
  const processor = boundProcessor(engine, payment)
  if (processor === null) return contradicts('The processor of this payment is not configured.')
  const found = await measured(
    engine,
    { processor: payment.binding.processor, operation: 'look_up' },
    () =>
      processor.lookUp({
        by: 'object',
        paymentId: payment.id,
        objectId,
        sinceMs: payment.createdAtMs,
        timeoutMs: policyOf(engine, payment).callTimeoutMs,
      }),
    (told) => told.finding,
  )
  // No answer contradicts nothing: the same word may be true, and is asked for again.
  if (found.finding === 'no_answer') {
    return reject('processor_unreachable', `Ask again when ${payment.binding.processor} answers.`)
  }
  if (found.finding === 'not_found')
    return contradicts('The processor shows no object with this id.')
  return isOfAnother(payment, found.object)
    ? contradicts('By its metadata this object belongs to another payment.')
    : { object: found.object }
}

// An object made outside has no attempt of ours; there the person's word is all there is.
function isOfAnother(payment: Payment, { attemptId }: ObjectView): boolean {
  const own = `att_${payment.id.replace(/^pay_/, '')}_`
  return attemptId !== null && !attemptId.startsWith(own)
}
