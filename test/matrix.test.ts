// What holds over the whole matrix: states × operations × voids × holds × commands, and what
// `next` answers for each at every kind of moment.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { advise } from '../src/core/advice.ts'
import { decide } from '../src/core/decide.ts'
import type { Command } from '../src/core/decide.ts'
import { evolve, stamp } from '../src/core/evolve.ts'
import { next } from '../src/core/next.ts'
import { dueAtMs } from '../src/core/step.ts'
import type { Step } from '../src/core/step.ts'
import { isOpen, lastSend, operationAt, operationOf } from '../src/core/operation.ts'
import { transitions } from '../src/core/transitions.ts'
import type { Fact, HoldReason, Payment } from '../src/core/payment.ts'
import type { Blocked, Capabilities, Circumstances } from '../src/core/policy.ts'
import * as build from './build.ts'
import {
  agentCommands,
  allCommands,
  cells,
  driverCommands,
  laterMs,
  operatorCommands,
} from './matrix.ts'
import type { Cell } from './matrix.ts'
import { holds, shapes } from './shapes.ts'
import type { Shape } from './shapes.ts'

const nameOf = ({ state, operation, voiding, hold }: Shape): string =>
  `${state}, ${operation}, void ${voiding}, hold ${hold}`
const cellName = ({ shape, name }: Cell): string => `${name} on ${nameOf(shape)}`

/** The payment after each fact; the last one is the result. */
function path(payment: Payment, facts: readonly Fact[], nowMs = laterMs): readonly Payment[] {
  let at = payment
  return stamp(payment.id, payment.seq, facts, nowMs).map((event) => {
    at = evolve(at, event)
    return at
  })
}

const resultOf = ({ shape, decision }: Cell): Payment =>
  path(shape.payment, decision.facts ?? []).at(-1) ?? shape.payment

test('the matrix is as large as it was: a shape or a command does not go missing', () => {
  assert.equal(shapes().length, 671)
  assert.equal(Object.keys(allCommands).length, 21)
})

test('every event applies, is numbered without a gap, and every change of state is a transition', () => {
  for (const cell of cells(allCommands)) {
    const { payment } = cell.shape
    const facts = cell.decision.facts ?? []
    let before = payment
    path(payment, facts).forEach((at, index) => {
      assert.equal(at.seq, payment.seq + index + 1, cellName(cell))
      const type = facts[index]?.type
      const known = transitions.some(
        ({ from, on, to }) => from === before.state && on === type && to === at.state,
      )
      assert.ok(
        known || before.state === at.state,
        `${cellName(cell)}: ${before.state} → ${at.state}`,
      )
      before = at
    })
  }
})

test('while money may be moving, no command changes the state but a person’s resolution', () => {
  let seen = 0
  for (const cell of cells({ ...agentCommands, ...operatorCommands, ...driverCommands })) {
    const operation = operationOf(cell.shape.payment)
    if (!isOpen(operation) || operation.kind === 'create') continue
    if (cell.command.type === 'resolve') continue
    seen += 1
    assert.equal(resultOf(cell).state, cell.shape.state, cellName(cell))
  }
  assert.ok(seen > 1000)
})

test('a resolution is taken only for what is parked', () => {
  for (const cell of cells(operatorCommands)) {
    if (cell.command.type !== 'resolve' || cell.shape.hold === 'dead_letter') continue
    assert.equal(cell.decision.rejection?.code, 'not_parked', cellName(cell))
  }
})

test('an end without money is left by a correction only', () => {
  for (const cell of cells(allCommands)) {
    if (!['declined', 'rejected', 'voided', 'expired'].includes(cell.shape.state)) continue
    if (resultOf(cell).state === cell.shape.state) continue
    assert.equal(cell.decision.facts?.[0]?.type, 'corrected', cellName(cell))
  }
})

test('a correction of an end needs captured money; an older reading of an authorisation is not enough', () => {
  for (const cell of cells(allCommands)) {
    if (cell.decision.facts?.some(({ type }) => type === 'corrected') !== true) continue
    const unpaidEnd = ['declined', 'rejected', 'voided', 'expired'].includes(cell.shape.state)
    assert.ok(
      unpaidEnd ? cell.name === 'captured' : ['voided', 'expired'].includes(cell.name),
      cellName(cell),
    )
  }
})

test('evidence of captured money always ends in money', () => {
  for (const cell of cells(allCommands)) {
    if (cell.name !== 'captured') continue
    assert.ok('amountCaptured' in resultOf(cell), cellName(cell))
  }
})

test('lifting one hold lifts no other', () => {
  const reasons = holds.filter((hold) => hold !== 'none')
  const lifting = [
    ...reasons.map((reason) => ({ type: 'lift_hold', reason, by: 'quittance' }) as const),
    allCommands['approve'],
    allCommands['redrive'],
  ].filter((command) => command !== undefined)
  const allHeld = [build.claimed(), ...withApproval()].map((payment) =>
    build.after(
      payment,
      reasons.map((reason) => build.held(reason)),
    ),
  )
  for (const payment of allHeld) {
    for (const command of lifting) {
      const { facts } = decide(payment, command, laterMs)
      if (facts === undefined) continue
      const left = path(payment, facts).at(-1)?.holds ?? []
      assert.equal(left.length, reasons.length - 1, JSON.stringify(command))
      const lifted = reasons.find((reason) => !left.some((hold) => hold.reason === reason))
      assert.equal(lifted, liftedBy(command.type === 'lift_hold' ? command.reason : command.type))
    }
  }
})

const withApproval = (): readonly Payment[] =>
  shapes()
    .filter(({ state, hold }) => state === 'initiated' && hold === 'approval_required')
    .map(({ payment }) => ({ ...payment, holds: [] }))

const liftedBy = (word: string): string =>
  word === 'approve' ? 'approval_required' : word === 'redrive' ? 'dead_letter' : word

// ── Advice ───────────────────────────────────────────────────────────────────────────────────────

test('a new key is never allowed while money has moved or may have', () => {
  for (const cell of cells(allCommands)) {
    const advice = advise(resultOf(cell), laterMs)
    if (advice.newKeyAllowed) assert.equal(advice.moneyMoved, 'no', cellName(cell))
    if (advice.newKeyAllowed) assert.ok(!('operation' in resultOf(cell)), cellName(cell))
  }
})

test('an open authorise or capture is told as unknown, captured money as yes', () => {
  for (const shape of shapes()) {
    const { moneyMoved } = advise(shape.payment, laterMs)
    const operation = operationOf(shape.payment)
    const open = isOpen(operation) && operation.kind !== 'create'
    const expected = 'amountCaptured' in shape.payment ? 'yes' : open ? 'unknown' : 'no'
    assert.equal(moneyMoved, expected, nameOf(shape))
  }
})

// ── What to do next ──────────────────────────────────────────────────────────────────────────────

const variants: readonly Partial<Capabilities>[] = [
  {},
  { objectFirst: true, objectOnce: true },
  { objectFirst: true, objectOnce: true, keyCachesErrors: false, absenceAfterMs: null },
  { twoStep: false },
  { fence: false, absenceAfterMs: null },
  { fence: false, absenceAfterMs: null, lookupByReference: false },
  { cancelByReference: true },
  { keyWindowMs: 0 },
]

const { t0, seconds, hours } = build
const moments = [
  1,
  5 * seconds,
  60 * seconds,
  20 * 60 * seconds,
  22 * hours,
  23.5 * hours,
  25 * hours,
  200 * hours,
]

interface Asked {
  readonly shape: Shape
  readonly given: Circumstances
  readonly nowMs: number
  readonly step: Step
}

/** Every shape in front of every kind of processor at every kind of moment. */
function* asked(over: Partial<Circumstances> = {}): Generator<Asked> {
  for (const shape of shapes()) {
    for (const capabilities of variants) {
      const given = { ...build.given(capabilities), ...over }
      for (const afterMs of moments) {
        const nowMs = t0 + afterMs
        yield { shape, given, nowMs, step: next(shape.payment, given, nowMs) }
      }
    }
  }
}

const askedName = ({ shape, nowMs, step }: Asked): string =>
  `${nameOf(shape)}, after ${(nowMs - t0) / seconds} s: ${JSON.stringify(step)}`

const towardsMoney = (step: Step): boolean =>
  step.do === 'send' && step.target.kind !== 'void' && step.target.kind !== 'refund'

test('nothing is sent towards money while the payment is held', () => {
  const holding: readonly HoldReason[] = [
    'approval_required',
    'possible_duplicate',
    'processor_changed',
    'dead_letter',
  ]
  for (const each of asked()) {
    if (!holding.some((reason) => reason === each.shape.hold)) continue
    assert.ok(!towardsMoney(each.step), askedName(each))
  }
})

test('nothing is sent towards money once a void is asked for', () => {
  for (const each of asked()) {
    if (each.shape.payment.voidRequested === null) continue
    assert.ok(!towardsMoney(each.step), askedName(each))
  }
})

test('no authorisation and no automatic capture is sent after the deadline', () => {
  for (const each of asked()) {
    const { payment } = each.shape
    if (each.nowMs < payment.notAfterMs) continue
    const ownMoment =
      each.step.do === 'send' && each.step.target.kind === 'capture' && payment.capture === 'manual'
    assert.ok(!towardsMoney(each.step) || ownMoment, askedName(each))
  }
})

test('nothing at all is sent while something stands in the way, and look-ups go on', () => {
  const reasons: readonly Blocked[] = [
    'stopped',
    'processor_paused',
    'agent_suspended',
    'clock_jumped',
  ]
  let lookUps = 0
  for (const blocked of reasons) {
    for (const each of asked({ blocked })) {
      assert.notEqual(each.step.do, 'send', askedName(each))
      lookUps += each.step.do === 'look_up' ? 1 : 0
    }
  }
  assert.ok(lookUps > 1000)
})

test('nothing is sent and nothing looked up at another processor than the one that is bound', () => {
  for (const each of asked({ bindingMatches: false })) {
    assert.ok(each.step.do !== 'send' && each.step.do !== 'look_up', askedName(each))
  }
})

test('a second key is never sent while a send of the first may still take effect', () => {
  for (const each of asked()) {
    const { step, shape } = each
    if (step.do !== 'send' || step.again) continue
    assert.ok(!isOpen(operationAt(shape.payment, step.target)), askedName(each))
  }
})

test('nothing is sent again past the key window but what its object takes only once', () => {
  for (const each of asked()) {
    const { step, shape, given, nowMs } = each
    if (step.do !== 'send' || !step.again) continue
    const operation = operationAt(shape.payment, step.target)
    assert.ok(operation !== null, askedName(each))
    const first = operation.attempt.sends[0]?.atMs ?? 0
    const { keyWindowMs, objectOnce } = given.capabilities
    if (nowMs < first + keyWindowMs - given.policy.keyWindowMarginMs) continue
    assert.ok(objectOnce && operation.attempt.request.objectId !== null, askedName(each))
    assert.ok(step.target.kind !== 'refund', askedName(each))
    assert.ok(operation.inquiries.answered, askedName(each))
    assert.ok(operation.inquiries.lastAtMs > lastSend(operation).atMs, askedName(each))
  }
})

test('a send belongs to its sender until it may be recovered', () => {
  for (const each of asked()) {
    const { step, shape, nowMs } = each
    if (step.do !== 'send' && step.do !== 'look_up') continue
    if (step.do === 'look_up' && step.target === 'settlement') continue
    const operation = operationAt(
      shape.payment,
      step.target as Extract<typeof step.target, { kind: string }>,
    )
    if (operation === null) continue
    const last = lastSend(operation)
    assert.ok(last.outcome !== null || nowMs >= last.recoverAtMs, askedName(each))
  }
})

test('every open payment has a time at which it is looked at, or is in front of a person or the agent', () => {
  for (const over of [{}, { blocked: 'stopped' as const }, { bindingMatches: false }]) {
    for (const each of asked(over)) {
      const { payment, state } = each.shape
      const refundOpen =
        'refunds' in payment && payment.refunds.some(({ status }) => status === 'open')
      if (!['initiated', 'validated', 'authorised'].includes(state) && !refundOpen) continue
      if (dueAtMs(each.step, each.nowMs) !== null) continue
      const isForAgent = payment.state === 'authorised' && payment.capture === 'manual'
      assert.ok(payment.holds.length > 0 || isForAgent, askedName(each))
    }
  }
})

test('a wait ends later than now: no driver spins', () => {
  for (const each of asked()) {
    if (each.step.do === 'wait') assert.ok(each.step.untilMs > each.nowMs, askedName(each))
    if (each.step.do === 'idle' && each.step.untilMs !== null) {
      assert.ok(each.step.untilMs > each.nowMs, askedName(each))
    }
  }
})

/** What the step stores before it is taken, if it stores anything. */
function commandOf({ step, given }: Asked): Command | null {
  if (step.do === 'command') return step.command
  if (step.do !== 'send') return null
  const { target, again } = step
  return { type: 'send', target, again, given }
}

test('what `next` means to do, `decide` allows, it applies, and it changes something', () => {
  for (const over of [{}, { bindingMatches: false }]) {
    for (const each of asked(over)) {
      const command = commandOf(each)
      if (command === null) continue
      const { facts, rejection } = decide(each.shape.payment, command, each.nowMs)
      assert.equal(rejection, undefined, askedName(each))
      assert.ok((facts?.length ?? 0) > 0, askedName(each))
      path(each.shape.payment, facts ?? [], each.nowMs)
    }
  }
})

test('following `next` with no help from outside never goes on for ever', () => {
  for (const each of asked()) {
    let { payment } = each.shape
    let { step } = each
    let steps = 0
    for (; step.do === 'command'; steps += 1) {
      assert.ok(steps < 5, askedName(each))
      payment =
        path(payment, decide(payment, step.command, each.nowMs).facts ?? [], each.nowMs).at(-1) ??
        payment
      step = next(payment, each.given, each.nowMs)
    }
  }
})

test('a payment of a newer format is left alone', () => {
  for (const shape of shapes()) {
    const newer = { ...shape.payment, format: 2 }
    const step = next(newer, build.given(), laterMs)
    assert.deepEqual(step, { do: 'leave' })
    assert.equal(dueAtMs(step, laterMs), laterMs + 60_000)
  }
})
