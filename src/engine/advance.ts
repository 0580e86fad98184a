// One step of a payment: ask `next`, store what it means to do, do it, store what came of it. Any
// driver may call it at any time and any number of times; the store's version lets one of them act.
import { decide } from '../core/decide.ts'
import type { Decision } from '../core/decide.ts'
import { next } from '../core/next.ts'
import type { LookUpBy, Step } from '../core/step.ts'
import { needsFreshLook } from '../core/observe.ts'
import type { Evidence } from '../core/observe.ts'
import { lastSend, operationAt } from '../core/operation.ts'
import type { Payment, Target } from '../core/payment.ts'
import { classify } from '../core/outcome.ts'
import type { Answer, Finding, ObjectView } from '../core/outcome.ts'
import { change } from './change.ts'
import type { Change } from './change.ts'
import { boundProcessor, circumstances, policyOf } from './engine.ts'
import type { Engine } from './engine.ts'
import { measured } from './meter.ts'
import { readGates } from './gates.ts'
import type { Gates } from './gates.ts'
import { confirmPermit, giveBackProbe, obtainPermit, permitAtOnce, reportCall } from './permit.ts'
import type { Permit } from './permit.ts'
import { recallSetBack } from './set-back.ts'
import { slotToleranceMs } from '../core/rate.ts'

/** What the driver does next. */
export type Progress =
  | { readonly next: 'go_on' }
  | { readonly next: 'wait'; readonly untilMs: number }
  | { readonly next: 'done' }
  /** A newer run drives this payment; this driver ends. */
  | { readonly next: 'superseded' }
  /** The store did not answer; everything is as stored, so ask again a little later. */
  | { readonly next: 'store_unavailable' }

export async function advance(engine: Engine, paymentId: string, run: number): Promise<Progress> {
  await recallSetBack(engine)
  const made = await makeStep(engine, paymentId, run, null)
  if (!('needsPermit' in made)) return made
  const { payment, gates } = made.needsPermit
  const permitted = await obtainPermit(engine, payment, gates)
  if (!permitted.permitted) return { next: 'wait', untilMs: permitted.untilMs }
  const { permit } = permitted
  let isSent = false
  try {
    const again = await makeStep(engine, paymentId, run, permit, () => {
      isSent = true
    })
    return 'needsPermit' in again ? { next: 'go_on' } : again
  } finally {
    // Whatever kept it from being sent: a probe that is not made must not keep the others waiting.
    if (!isSent) await giveBackProbe(engine, payment, permit.epoch)
  }
}

/** A send that has to wait for its leave: nothing was stored. */
interface NeedsPermit {
  readonly needsPermit: { readonly payment: Payment; readonly gates: Gates }
}

async function makeStep(
  engine: Engine,
  paymentId: string,
  run: number,
  obtained: Permit | null,
  onSend: () => void = () => undefined,
): Promise<Progress | NeedsPermit> {
  const started = { steadyMs: engine.clock.steadyMs(), wallMs: engine.clock.nowMs() }
  // Decided on each fresh read; after the commit it is the step that was stored.
  let step = { do: 'done' } as Step
  let permit = obtained
  const changed = await change(
    engine,
    paymentId,
    (payment, nowMs, gates) => {
      started.steadyMs = engine.clock.steadyMs()
      started.wallMs = engine.clock.nowMs()
      step = next(payment, circumstances(engine, payment, gates), nowMs)
      permit = obtained ?? permitAtOnce(engine, payment, gates)
      if (step.do === 'send' && permit === null) return { facts: [] }
      return toStore(engine, payment, step, nowMs, gates)
    },
    { guard: (row) => row.run <= run },
  )
  if (!('row' in changed)) return withoutRow(changed)
  if (changed.result === 'rejected')
    throw new Error(`next and decide disagree: ${changed.rejection.detail}`)
  const { payment } = changed.row
  if (step.do === 'send') {
    if (permit === null) return { needsPermit: { payment, gates: changed.gates } }
    if (changed.result !== 'changed') throw new Error('a send was decided and not stored')
    onSend()
    return send(engine, payment, { target: step.target, permit, started })
  }
  if (step.do === 'look_up') return lookUp(engine, payment, step.target, step.by)
  if (step.do === 'command') return progress(engine, payment, changed.gates)
  return rest(engine, paymentId, run, step, changed.row.dueAtMs)
}

function withoutRow(changed: Exclude<Change, { row: unknown }>): Progress {
  switch (changed.result) {
    case 'left':
      return { next: 'superseded' }
    case 'not_found':
      return { next: 'done' }
    case 'taken':
    case 'unknown':
      return { next: 'store_unavailable' }
  }
}

// The attempt, or its next send, is committed before the call; a look-up leaves no mark before.
function toStore(
  engine: Engine,
  payment: Payment,
  step: Step,
  nowMs: number,
  gates: Gates,
): Decision {
  if (step.do === 'command') return decide(payment, step.command, nowMs)
  if (step.do !== 'send') return { facts: [] }
  const { target, again } = step
  const given = circumstances(engine, payment, gates)
  return decide(payment, { type: 'send', target, again, given }, nowMs)
}

interface Sending {
  readonly target: Target
  readonly permit: Permit
  /** When it was decided, by both clocks. */
  readonly started: { readonly steadyMs: number; readonly wallMs: number }
}

async function send(
  engine: Engine,
  payment: Payment,
  { target, permit, started }: Sending,
): Promise<Progress> {
  const operation = operationAt(payment, target)
  const processor = boundProcessor(engine, payment)
  if (operation === null) throw new Error('the stored send has no operation')
  const { attempt } = operation
  const { number, atMs } = lastSend(operation)
  const policy = policyOf(engine, payment)
  // A stalled sender that wakes up late must stay silent: others may have concluded by now. Both
  // clocks count, because one stands still while the machine sleeps and the other can be set.
  const elapsedMs = (): number =>
    Math.max(engine.clock.steadyMs() - started.steadyMs, engine.clock.nowMs() - started.wallMs)
  // What was thrown or has opened since the decision still stops it; asked once more by an adapter
  // that had to wait for a connection.
  let current = permit
  const mayStart = async (longestWaitMs: number): Promise<string | null> => {
    const confirmed = await confirmPermit(engine, payment, current, longestWaitMs).catch(() => null)
    if (confirmed === null) return 'store_unavailable'
    if (confirmed.stopped !== null) return confirmed.stopped
    current = confirmed.permit
    return elapsedMs() > policy.startSendWithinMs ? 'started_too_late' : null
  }
  const leftMs = policy.startSendWithinMs - elapsedMs()
  const refused = processor === null ? 'started_too_late' : await mayStart(leftMs)
  const answer =
    processor === null || refused !== null
      ? notSent(refused ?? 'started_too_late')
      : await measured(
          engine,
          { processor: payment.binding.processor, operation: operation.kind },
          () =>
            processor.send({
              kind: operation.kind,
              attempt,
              payment,
              timeoutMs: policy.callTimeoutMs - elapsedMs(),
              // It holds a connection by then: no long wait.
              mayStart: () => mayStart(slotToleranceMs),
            }),
          (told) => classify(operation.kind, attempt, told),
        )
  if (answer.replayed && number === 1) {
    engine.alarm({ kind: 'replayed_first_send', paymentId: payment.id, detail: attempt.id })
  }
  const [progressed] = await Promise.all([
    report(engine, payment.id, {
      kind: 'answer',
      attemptId: attempt.id,
      send: number,
      answer,
      askedAtMs: atMs,
    }),
    reportCall(engine, payment, permit, answer),
  ])
  return progressed
}

function notSent(cause: string): Answer {
  return {
    signal: 'not_sent',
    cause,
    object: null,
    decline: null,
    retryAfterMs: null,
    replayed: false,
    status: null,
    requestId: null,
    excerpt: null,
  }
}

async function lookUp(
  engine: Engine,
  payment: Payment,
  target: Target | 'settlement' | null,
  by: LookUpBy,
): Promise<Progress> {
  const asked = await ask(engine, payment, by)
  return report(engine, payment.id, { kind: 'finding', target, by, ...asked })
}

async function ask(
  engine: Engine,
  payment: Payment,
  by: LookUpBy,
): Promise<{ finding: Finding; askedAtMs: number; clockMs: number; askedSeq: number }> {
  const askedAtMs = engine.time.nowMs(payment.updatedAtMs)
  const clockMs = engine.clock.nowMs()
  const askedSeq = payment.seq
  const processor = boundProcessor(engine, payment)
  if (processor === null) {
    return {
      finding: { finding: 'no_answer', cause: 'processor_changed', retryAfterMs: null },
      askedAtMs,
      clockMs,
      askedSeq,
    }
  }
  const finding = await measured(
    engine,
    { processor: payment.binding.processor, operation: 'look_up' },
    () =>
      processor.lookUp({
        by,
        paymentId: payment.id,
        objectId: payment.objectId,
        sinceMs: payment.createdAtMs,
        timeoutMs: policyOf(engine, payment).callTimeoutMs,
      }),
    (told) => told.finding,
  )
  return { finding, askedAtMs, clockMs, askedSeq }
}

/**
 * Stores evidence, decided on the payment as it is by then; a stale driver may not act, but it must
 * report. Where the store does not answer it tries again for a while; what is lost even so is found
 * again at the processor, because the send was recorded.
 */
export async function observeEvidence(
  engine: Engine,
  paymentId: string,
  evidence: Evidence,
): Promise<Change> {
  const decideOn = (payment: Payment, nowMs: number, gates: Gates): Decision => {
    const judgement = circumstances(engine, payment, gates)
    return decide(payment, { type: 'observe', evidence, judgement }, nowMs)
  }
  let last: Change = { result: 'unknown', why: 'not tried' }
  for (const pauseMs of [0, 50, 200, 1000]) {
    if (pauseMs > 0) await engine.clock.sleep(pauseMs)
    last = await change(engine, paymentId, decideOn).catch((error: unknown) => ({
      result: 'unknown',
      why: String(error),
    }))
    if (last.result !== 'unknown') break
  }
  if (last.result === 'unknown') {
    engine.alarm({ kind: 'evidence_not_stored', paymentId, detail: last.why })
  }
  return last
}

async function report(engine: Engine, paymentId: string, evidence: Evidence): Promise<Progress> {
  const changed = await observeEvidence(engine, paymentId, evidence)
  if (!('row' in changed)) return withoutRow(changed)
  const { payment } = changed.row
  const object = shownBy(evidence)
  if (object !== null && isFromBefore(evidence, payment) && needsFreshLook(payment, object)) {
    return lookUp(engine, { ...payment, objectId: object.objectId }, null, 'object')
  }
  if (changed.result === 'rejected') throw new Error('evidence is never refused')
  return progress(engine, payment, changed.gates)
}

/** It shows how things stood before the payment was as it is now. */
function isFromBefore(evidence: Evidence, payment: Payment): boolean {
  return evidence.kind !== 'finding' || evidence.askedSeq < payment.seq
}

/**
 * Follows a hint (a webhook): reads the payment's object now and stores what it shows. A hint that
 * would be no news costs no look-up. `no_answer`: ask again later.
 */
export async function followHint(
  engine: Engine,
  paymentId: string,
  hint: ObjectView,
): Promise<'observed' | 'no_answer' | 'not_found'> {
  const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
  if (row === null) return 'not_found'
  const { payment } = row.value
  if (isKnown(engine, payment, hint, await readGates(engine, payment))) return 'observed'
  const { objectId } = hint
  const asked = await ask(engine, { ...payment, objectId }, 'object')
  if (asked.finding.finding !== 'found') return 'no_answer'
  const evidence: Evidence = { kind: 'finding', target: null, by: 'object', ...asked }
  const changed = await observeEvidence(engine, paymentId, evidence)
  if (!('row' in changed)) return 'no_answer'
  const { payment: now } = changed.row
  // It ended while it was read: once more, from the end on.
  const isOld = isFromBefore(evidence, now) && needsFreshLook(now, asked.finding.object)
  if (isOld && changed.result === 'unchanged') return 'no_answer'
  engine.wake(paymentId, changed.row.run)
  return 'observed'
}

function isKnown(engine: Engine, payment: Payment, hint: ObjectView, gates: Gates): boolean {
  if (hint.amount !== payment.amount || hint.currency !== payment.currency) return false
  if (needsFreshLook(payment, hint)) return false
  const nowMs = engine.time.nowMs(payment.updatedAtMs)
  const evidence: Evidence = { kind: 'record', object: hint, askedAtMs: nowMs }
  const judgement = circumstances(engine, payment, gates)
  const { facts } = decide(payment, { type: 'observe', evidence, judgement }, nowMs)
  return facts?.length === 0
}

function shownBy(evidence: Evidence): Answer['object'] {
  if (evidence.kind === 'answer') return evidence.answer.object
  if (evidence.kind === 'record') return evidence.object
  return evidence.finding.finding === 'found' ? evidence.finding.object : null
}

function progress(engine: Engine, payment: Payment, gates: Gates): Progress {
  const nowMs = engine.time.nowMs(payment.updatedAtMs)
  return toProgress(next(payment, circumstances(engine, payment, gates), nowMs), nowMs)
}

function toProgress(step: Step, nowMs: number): Progress {
  switch (step.do) {
    case 'send':
    case 'look_up':
    case 'command':
      return { next: 'go_on' }
    case 'wait':
      return { next: 'wait', untilMs: step.untilMs }
    case 'idle':
      return step.untilMs === null ? { next: 'done' } : { next: 'wait', untilMs: step.untilMs }
    case 'leave':
      return { next: 'wait', untilMs: nowMs + leaveMs }
    case 'done':
      return { next: 'done' }
  }
}

const leaveMs = 60_000

// Nothing to do now. If the stored time has passed, the sweeper would come back at once for ever.
async function rest(
  engine: Engine,
  paymentId: string,
  run: number,
  step: Step,
  storedDueAtMs: number | null,
): Promise<Progress> {
  const nowMs = engine.time.nowMs(0)
  const over = storedDueAtMs !== null && storedDueAtMs <= nowMs
  const forgotten = storedDueAtMs === null && step.do === 'wait'
  if (over || forgotten) {
    const rescheduled = await change(engine, paymentId, () => ({ facts: [] }), {
      always: true,
      guard: (row) => row.run <= run,
    })
    if (!('row' in rescheduled)) return withoutRow(rescheduled)
  }
  return toProgress(step, nowMs)
}
