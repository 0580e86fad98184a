// A payment's life as rows of a table: when, what happens, what comes of it, and the state after.
import assert from 'node:assert/strict'

import { decide } from '../src/core/decide.ts'
import type { Command } from '../src/core/decide.ts'
import { next } from '../src/core/next.ts'
import type { Evidence } from '../src/core/observe.ts'
import { attemptId } from '../src/core/operation.ts'
import type { Finding, ObjectView, Signal } from '../src/core/outcome.ts'
import type { Fact, Payment, State, Target } from '../src/core/payment.ts'
import type { Circumstances } from '../src/core/policy.ts'
import type { Step } from '../src/core/step.ts'
import * as build from './build.ts'

/** `drive`: what `next` says; where that is a send or a command, it is stored. */
export type Happens = 'drive' | Command | Evidence | readonly Fact[]

/** Seconds after the claim; what happens; the events or the step; the state after. */
export type Row = readonly [atSeconds: number, happens: Happens, told: string, state: State]

export interface Setting {
  readonly given?: Circumstances
  readonly over?: build.ClaimOver
}

/** Plays the rows and compares each; gives the payment back as it is at the end. */
export function life(rows: readonly Row[], setting: Setting = {}): Payment {
  const given = setting.given ?? build.given()
  let payment = build.claimed(setting.over ?? {})
  rows.forEach(([atSeconds, happens, expected, state], index) => {
    const nowMs = build.t0 + atSeconds * build.seconds
    const { told, facts } = tell(payment, happens, given, nowMs)
    assert.equal(told, expected, `row ${index + 1}`)
    payment = build.after(payment, facts, nowMs)
    assert.equal(payment.state, state, `row ${index + 1}`)
  })
  return payment
}

function tell(
  payment: Payment,
  happens: Happens,
  given: Circumstances,
  nowMs: number,
): { readonly told: string; readonly facts: readonly Fact[] } {
  if (happens === 'drive') return drive(payment, given, nowMs)
  if (!('type' in happens) && !('kind' in happens))
    return { told: namesOf(happens), facts: happens }
  const command: Command =
    'kind' in happens ? { type: 'observe', evidence: happens, judgement: given } : happens
  const { facts, rejection } = decide(payment, command, nowMs)
  return { told: rejection?.code ?? namesOf(facts ?? []), facts: facts ?? [] }
}

function drive(
  payment: Payment,
  given: Circumstances,
  nowMs: number,
): { readonly told: string; readonly facts: readonly Fact[] } {
  const step = next(payment, given, nowMs)
  const told = wordFor(step)
  if (step.do === 'command') {
    const { facts = [] } = decide(payment, step.command, nowMs)
    return { told: `${told}: ${namesOf(facts)}`, facts }
  }
  if (step.do !== 'send') return { told, facts: [] }
  const { target, again } = step
  return { told, facts: decide(payment, { type: 'send', target, again, given }, nowMs).facts ?? [] }
}

export function wordFor(step: Step): string {
  switch (step.do) {
    case 'send':
      return `${step.again ? 're-send' : 'send'} ${step.target.kind}`
    case 'look_up':
      return `look up by ${step.by}`
    case 'command':
      return step.command.type
    case 'wait':
      return `wait for ${step.for}`
    case 'idle':
    case 'done':
    case 'leave':
      return step.do
  }
}

const namesOf = (facts: readonly Fact[]): string =>
  facts.length === 0 ? 'nothing' : facts.map(({ type }) => type).join(', ')

// ── What comes from outside ──────────────────────────────────────────────────────────────────────

/** The answer to one send of the attempt with this number. */
export function answer(
  kind: Target['kind'],
  number: number,
  signal: Signal,
  object: ObjectView | null = null,
  over: {
    readonly send?: number
    readonly replayed?: boolean
    readonly retryAfterMs?: number
  } = {},
): Evidence {
  const { send = 1, replayed = false, retryAfterMs = null } = over
  const decline =
    signal === 'declined' ? ({ reason: 'declined', code: 'do_not_honour' } as const) : null
  return {
    kind: 'answer',
    attemptId: attemptId(build.terms.id, kind, number),
    send,
    answer: {
      signal,
      cause: 'word',
      object,
      decline,
      retryAfterMs,
      replayed,
      status: null,
      requestId: null,
      excerpt: null,
    },
    askedAtMs: build.t0,
  }
}

/** A look-up that was asked so many seconds after the claim. */
export function found(
  target: Target | 'settlement' | null,
  object: ObjectView | null | 'no answer',
  askedAtSeconds: number,
  consistent = true,
): Evidence {
  const finding: Finding =
    object === 'no answer'
      ? { finding: 'no_answer', cause: 'timeout', retryAfterMs: null }
      : object === null
        ? { finding: 'not_found', consistent }
        : { finding: 'found', object, consistent }
  const askedAtMs = build.t0 + askedAtSeconds * build.seconds
  return {
    kind: 'finding',
    target,
    by: 'object',
    finding,
    askedAtMs,
    clockMs: askedAtMs,
    askedSeq: Infinity,
  }
}

/** The processor's own record, or a webhook. */
export const record = (object: ObjectView, askedAtSeconds = 0): Evidence => ({
  kind: 'record',
  object,
  askedAtMs: build.t0 + askedAtSeconds * build.seconds,
})
