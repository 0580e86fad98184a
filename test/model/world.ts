// One payment, one processor, the network between them, and drivers that run, stall and die: what
// they are, how they change, and the promises that hold at every moment. What can happen next is in
// `moves.ts`.
import { advise } from '../../src/core/advice.ts'
import { decide } from '../../src/core/decide.ts'
import type { Command, Decision } from '../../src/core/decide.ts'
import { evolveAll, stamp } from '../../src/core/evolve.ts'
import { endedWithoutMoney } from '../../src/core/guards.ts'
import type { Evidence } from '../../src/core/observe.ts'
import type { Answer, Finding, ObjectView } from '../../src/core/outcome.ts'
import type { Payment, Target } from '../../src/core/payment.ts'
import type { Circumstances } from '../../src/core/policy.ts'
import type { LookUpBy } from '../../src/core/step.ts'
import * as processor from './processor.ts'
import type { ModelProcessor, ModelRequest } from './processor.ts'

/** Where a driver is. `stalled`: the machine stands still; it goes on later as if nothing had been. */
export type Driver =
  | { readonly at: 'idle' }
  | { readonly at: 'stored'; readonly call: Call; readonly stalled: boolean }
  | { readonly at: 'calling'; readonly call: Call }
  | { readonly at: 'reporting'; readonly evidence: Evidence; readonly stalled: boolean }

export interface Call {
  readonly request: ModelRequest
  readonly send: number
  readonly atMs: number
}

interface Message {
  readonly call: Call
  /** Whom the answer reaches, if it still listens. */
  readonly delayed: boolean
  readonly latestMs: number
}

/** What may still go wrong or be asked on this path. */
export interface Allowance {
  readonly faults: number
  /** Refusals, unfinished answers: the processor's free will rather than a fault. */
  readonly declines: number
  readonly pendings: number
  readonly voids: number
  readonly webhooks: number
  readonly redrives: number
}

export interface World {
  readonly nowMs: number
  readonly payment: Payment
  readonly drivers: readonly Driver[]
  readonly network: readonly Message[]
  readonly processor: ModelProcessor
  /** Webhooks on their way, and second looks at the object: stored, so never lost. */
  readonly inbox: readonly Evidence[]
  readonly allowed: Allowance
}

export interface Setting {
  readonly given: Circumstances
  /** So long after its send has ended a request may still arrive. */
  readonly arrivesWithinMs: number
}

/** A promise that was broken; the explorer tells the path that leads there. */
export class Broken extends Error {}

export const broken = (what: string): never => {
  throw new Broken(what)
}

// ── Changes ──────────────────────────────────────────────────────────────────────────────────────

export function commit(world: World, command: Command): World {
  const decision = decide(world.payment, command, world.nowMs)
  if (decision.rejection !== undefined) {
    return broken(`next and decide disagree: ${command.type}, ${decision.rejection.detail}`)
  }
  if (decision.facts.length === 0)
    return broken(`${command.type} changes nothing: a driver would spin`)
  return apply(world, decision)
}

export function observeEvidence(world: World, { given }: Setting, evidence: Evidence): World {
  return apply(
    world,
    decide(world.payment, { type: 'observe', evidence, judgement: given }, world.nowMs),
  )
}

export function apply(world: World, decision: Decision): World {
  const { payment, nowMs } = world
  const events = stamp(payment.id, payment.seq, decision.facts ?? [], nowMs)
  const after = evolveAll(payment, events)
  if (after.seq !== payment.seq + events.length) broken('the events have a gap')
  return judged({ ...world, payment: after })
}

/** The promises that hold at every moment. */
export function judged(world: World): World {
  const { payment, nowMs } = world
  const captures = processor.capturesOf(world.processor)
  const paid = 'amountCaptured' in payment
  if (captures > 1) broken(`${captures} captures for one payment`)
  if (captures > 0 && endedWithoutMoney(payment)) {
    broken(`the payment is ${payment.state} while the processor holds its money`)
  }
  if (captures > 0 && advise(payment, nowMs).moneyMoved === 'no') {
    broken(`money has moved and the agent is told that none did (${payment.state})`)
  }
  if (captures === 0 && paid) broken(`the payment is ${payment.state} and nothing was captured`)
  const refunds = world.processor.objects.reduce((sum, object) => sum + object.refunds.length, 0)
  if (paid && refunds > payment.refunds.length) broken(`${refunds} refunds at the processor`)
  return world
}

/** Nothing more will happen by itself: how does it stand? */
export function ending(world: World): string {
  const { payment } = world
  const hold = payment.holds.find(({ reason }) => reason === 'dead_letter')
  if (hold !== undefined) return `${payment.state}, parked: ${hold.detail}`
  if (endedWithoutMoney(payment)) {
    if (processor.hasLiveAuthorisation(world.processor)) {
      broken(`the payment is ${payment.state} and its authorisation was left behind for good`)
    }
    return payment.state
  }
  if (!('amountCaptured' in payment)) return broken(`the payment stands still in ${payment.state}`)
  if (payment.refunds.some(({ status }) => status === 'open')) broken('a refund stands still')
  return payment.state
}

export function withDriver(world: World, index: number, driver: Driver): World {
  return { ...world, drivers: world.drivers.map((each, at) => (at === index ? driver : each)) }
}

// ── Evidence ─────────────────────────────────────────────────────────────────────────────────────

// Asked and read in one moment, reported later: the reading is as old as it can be.
export function look(
  world: World,
  { given }: Setting,
  target: Target | 'settlement' | null,
  by: LookUpBy,
  objectId: string | null,
): Evidence {
  const { objects } = world.processor
  const lag = by === 'reference' ? given.capabilities.lookupLagMs : 0
  const known = objects.filter(({ id }) => by !== 'object' || id === objectId)
  const object = processor.mostTelling(
    known.filter(({ madeAtMs }) => madeAtMs + lag <= world.nowMs),
  )
  const consistent = by !== 'reference'
  const finding: Finding =
    object === null
      ? { finding: 'not_found', consistent }
      : { finding: 'found', object: processor.viewOf(object), consistent }
  return {
    kind: 'finding',
    target,
    by,
    finding,
    askedAtMs: world.nowMs,
    clockMs: world.nowMs,
    askedSeq: world.payment.seq,
  }
}

export function answerTo({ request, send, atMs }: Call, answer: Answer): Evidence {
  return { kind: 'answer', attemptId: request.attemptId, send, answer, askedAtMs: atMs }
}

export function shownBy(evidence: Evidence): ObjectView | null {
  if (evidence.kind === 'answer') return evidence.answer.object
  if (evidence.kind === 'record') return evidence.object
  return evidence.finding.finding === 'found' ? evidence.finding.object : null
}

export const sameCall = (one: Call, other: Call): boolean =>
  one.send === other.send && one.request.attemptId === other.request.attemptId
