// All that can happen next in a world; nothing is drawn. The explorer walks every path.
import { decide } from '../../src/core/decide.ts'
import type { Command } from '../../src/core/decide.ts'
import { next } from '../../src/core/next.ts'
import { needsFreshLook } from '../../src/core/observe.ts'
import type { Evidence } from '../../src/core/observe.ts'
import { lastSend, operationAt, operationsOf } from '../../src/core/operation.ts'
import type { Circumstances } from '../../src/core/policy.ts'
import { dueAtMs } from '../../src/core/step.ts'
import type { Step } from '../../src/core/step.ts'
import * as processor from './processor.ts'
import type { Choice, ModelRequest } from './processor.ts'
import {
  answerTo,
  apply,
  broken,
  commit,
  judged,
  look,
  observeEvidence,
  sameCall,
  shownBy,
  withDriver,
} from './world.ts'
import type { Allowance, Call, Driver, Setting, World } from './world.ts'

export interface Move {
  readonly label: string
  readonly to: () => World
  /** Needs nobody's decision: it happens sooner or later. */
  readonly certain: boolean
}

export function moves(world: World, setting: Setting): readonly Move[] {
  const step = next(world.payment, setting.given, world.nowMs)
  const certain = [
    ...driverMoves(world, setting, step),
    ...arrivals(world, setting),
    ...inboxMoves(world, setting),
    ...pendingMoves(world, setting),
    ...vanishings(world),
  ]
  return [
    ...certain,
    ...timeMoves(world, setting, step),
    ...faults(world),
    ...outages(world, setting),
    ...wishes(world),
  ]
}

const isActive = (step: Step): boolean =>
  step.do === 'send' || step.do === 'look_up' || step.do === 'command'

function driverMoves(world: World, setting: Setting, step: Step): readonly Move[] {
  const list: Move[] = []
  const idle = world.drivers.findIndex(({ at }) => at === 'idle')
  // Idle drivers are alike: one of them stands for all.
  if (idle >= 0 && isActive(step)) list.push(begin(world, setting, idle, step))
  world.drivers.forEach((driver, index) => {
    if (driver.at === 'stored') list.push(putOnWire(world, setting, index, driver))
    if (driver.at === 'reporting') list.push(report(world, setting, index, driver.evidence))
    if (driver.at === 'calling') list.push(...hangUp(world, setting, index, driver))
  })
  return list
}

function begin(world: World, setting: Setting, index: number, step: Step): Move {
  const label = `${name(index)} ${describe(step)}`
  switch (step.do) {
    case 'command':
      return { label, to: () => commit(world, step.command), certain: true }
    case 'look_up': {
      const evidence = look(world, setting, step.target, step.by, world.payment.objectId)
      const reporting: Driver = { at: 'reporting', evidence, stalled: false }
      return { label, to: () => withDriver(world, index, reporting), certain: true }
    }
    case 'send':
      return { label, to: () => storeSend(world, setting, index, step), certain: true }
    case 'wait':
    case 'idle':
    case 'done':
    case 'leave':
      throw new Error('nothing to begin')
  }
}

function storeSend(
  world: World,
  { given }: Setting,
  index: number,
  { target, again }: Extract<Step, { do: 'send' }>,
): World {
  const after = commit(world, { type: 'send', target, again, given })
  const operation = operationAt(after.payment, target) ?? broken('a stored send has no operation')
  const { attempt } = operation
  const request = { kind: operation.kind, attemptId: attempt.id, request: attempt.request }
  const { number, atMs } = lastSend(operation)
  const call: Call = { request, send: number, atMs }
  assertNoSecondKey(world, call, given)
  return withDriver(after, index, { at: 'stored', call, stalled: false })
}

// Invariant: no second key while a send of an earlier one may still take effect.
function assertNoSecondKey(world: World, { request }: Call, { policy }: Circumstances): void {
  if (request.kind === 'create' || request.kind === 'void') return
  const rival = ({ request: other }: Call): boolean =>
    other.kind === request.kind && other.attemptId !== request.attemptId
  const onTheWay = world.network.some(({ call }) => rival(call) && wouldAct(world, call))
  const aboutTo = world.drivers.some(
    (driver) =>
      driver.at === 'stored' &&
      rival(driver.call) &&
      world.nowMs <= driver.call.atMs + policy.startSendWithinMs,
  )
  if (onTheWay || aboutTo) broken(`a second key for ${request.kind} while the first may still act`)
}

// An object that was cancelled takes nothing more, whatever arrives.
function wouldAct({ processor: { objects, referenceFenced } }: World, { request }: Call): boolean {
  const { objectId } = request.request
  if (objectId === null) return !referenceFenced
  return objects.some(
    ({ id, status }) => id === objectId && status !== 'voided' && status !== 'captured',
  )
}

function putOnWire(
  world: World,
  { given, arrivesWithinMs }: Setting,
  index: number,
  { call }: Extract<Driver, { at: 'stored' }>,
): Move {
  if (world.nowMs > call.atMs + given.policy.startSendWithinMs) {
    const evidence = answerTo(call, processor.answer('not_sent', null))
    return {
      label: `${name(index)} woke too late and does not send`,
      to: () => withDriver(world, index, { at: 'reporting', evidence, stalled: false }),
      certain: true,
    }
  }
  const latestMs = call.atMs + given.policy.callTimeoutMs + arrivesWithinMs
  const after = withDriver(world, index, { at: 'calling', call })
  return {
    label: `${name(index)} puts ${call.request.attemptId} send ${call.send} on the wire`,
    to: () => ({ ...after, network: [...after.network, { call, delayed: false, latestMs }] }),
    certain: true,
  }
}

// The call ends without an answer: at once (a gateway's 504) or by its timeout.
function hangUp(
  world: World,
  { given }: Setting,
  index: number,
  { call }: Extract<Driver, { at: 'calling' }>,
): Move[] {
  const waiting = world.network.some((message) => sameCall(message.call, call) && !message.delayed)
  if (waiting) return []
  const isOver = world.nowMs >= call.atMs + given.policy.callTimeoutMs
  const signal = isOver ? 'connection_lost' : 'gateway_error'
  const evidence = answerTo(call, processor.answer(signal, null))
  const after = withDriver(world, index, { at: 'reporting', evidence, stalled: false })
  return [{ label: `${name(index)} gets a ${signal}`, to: () => after, certain: true }]
}

function report(world: World, setting: Setting, index: number, evidence: Evidence): Move {
  const label = `${name(index)} reports ${describeEvidence(evidence)}`
  const to = (): World => {
    const after = observeEvidence(world, setting, evidence)
    const fresh = freshLook(after, setting, evidence)
    const driver: Driver =
      fresh === null ? { at: 'idle' } : { at: 'reporting', evidence: fresh, stalled: false }
    return withDriver(after, index, driver)
  }
  return { label, to, certain: true }
}

function freshLook(world: World, setting: Setting, evidence: Evidence): Evidence | null {
  const object = shownBy(evidence)
  // A second look is not looked at a third time.
  if (object === null || (evidence.kind === 'finding' && evidence.target === null)) return null
  if (!needsFreshLook(world.payment, object)) return null
  return look(world, setting, null, 'object', object.objectId)
}

function arrivals(world: World, { given }: Setting): readonly Move[] {
  const { capabilities } = given
  return world.network.flatMap((message, at) =>
    choices(world, message.call.request).map(({ choice, allowed }): Move => {
      const { call } = message
      const done = processor.execute(
        world.processor,
        call.request,
        choice,
        capabilities,
        world.nowMs,
      )
      const network = world.network.filter((_, index) => index !== at)
      const listener = world.drivers.findIndex(
        (driver) => driver.at === 'calling' && sameCall(driver.call, call),
      )
      const changed = { ...world, processor: done.after, network, allowed }
      const evidence = answerTo(call, done.answer)
      const after =
        listener < 0
          ? changed
          : withDriver(changed, listener, { at: 'reporting', evidence, stalled: false })
      const label = `${call.request.attemptId} send ${call.send} arrives: ${choice}, ${done.answer.signal}`
      return { label, to: () => judged(after), certain: true }
    }),
  )
}

function choices(
  { allowed, processor: { keys } }: World,
  { kind, attemptId }: ModelRequest,
): { choice: Choice; allowed: Allowance }[] {
  const list: { choice: Choice; allowed: Allowance }[] = [{ choice: 'plain', allowed }]
  if (keys.some((each) => each.attemptId === attemptId)) return list
  if (allowed.declines > 0 && (kind === 'authorise' || kind === 'capture')) {
    list.push({ choice: 'decline', allowed: { ...allowed, declines: allowed.declines - 1 } })
  }
  if (allowed.pendings > 0 && kind === 'authorise') {
    list.push({ choice: 'pending', allowed: { ...allowed, pendings: allowed.pendings - 1 } })
  }
  if (allowed.faults > 0) {
    const fewer = { ...allowed, faults: allowed.faults - 1 }
    list.push(
      { choice: 'slow_down', allowed: fewer },
      { choice: '500_done', allowed: fewer },
      { choice: '500_not_done', allowed: fewer },
    )
  }
  return list
}

function inboxMoves(world: World, setting: Setting): readonly Move[] {
  return world.inbox.map((evidence, at): Move => {
    const rest = { ...world, inbox: world.inbox.filter((_, index) => index !== at) }
    const to = (): World => {
      const after = observeEvidence(rest, setting, evidence)
      const fresh = freshLook(after, setting, evidence)
      return fresh === null ? after : { ...after, inbox: [...after.inbox, fresh] }
    }
    return { label: `the inbox gives ${describeEvidence(evidence)}`, to, certain: true }
  })
}

function pendingMoves(world: World, { given }: Setting): readonly Move[] {
  const pending = world.processor.objects.find(({ status }) => status === 'pending')
  if (pending === undefined) return []
  const oneStep = !given.capabilities.twoStep
  return [true, false].map((ok): Move => ({
    label: `the processor finishes ${pending.id}: ${ok ? 'ok' : 'declined'}`,
    to: () =>
      judged({ ...world, processor: processor.finishPending(world.processor, oneStep, ok) }),
    certain: true,
  }))
}

// ── Time, faults, wishes ─────────────────────────────────────────────────────────────────────────

// Time passes only while nobody has anything to do at once; whoever dawdles has had a fault.
function timeMoves(world: World, { given }: Setting, step: Step): readonly Move[] {
  const { nowMs, drivers, network } = world
  const { callTimeoutMs, startSendWithinMs } = given.policy
  const busy = drivers.some((driver) => {
    if (driver.at === 'idle') return isActive(step)
    if (driver.at === 'calling') return nowMs >= driver.call.atMs + callTimeoutMs
    return !driver.stalled
  })
  if (busy || network.some(({ delayed, latestMs }) => !delayed || nowMs >= latestMs)) return []
  const moments = [
    dueAtMs(step, nowMs) ?? 0,
    ...drivers.map((driver) => {
      if (driver.at === 'stored') return driver.call.atMs + startSendWithinMs + 1
      return driver.at === 'calling' ? driver.call.atMs + callTimeoutMs : 0
    }),
    ...network.map(({ latestMs }) => latestMs),
  ].filter((atMs) => atMs > nowMs)
  if (moments.length === 0) return []
  const atMs = Math.min(...moments)
  return [{ label: `time passes: ${atMs}`, to: () => ({ ...world, nowMs: atMs }), certain: true }]
}

function faults(world: World): readonly Move[] {
  if (world.allowed.faults === 0) return []
  const allowed = { ...world.allowed, faults: world.allowed.faults - 1 }
  const list: Move[] = []
  world.drivers.forEach((driver, index) => {
    if (driver.at === 'idle') return
    const dead = { ...withDriver(world, index, { at: 'idle' }), allowed }
    list.push({ label: `${name(index)} dies`, to: () => dead, certain: false })
    if (driver.at === 'calling' || driver.stalled) return
    const late = { ...withDriver(world, index, { ...driver, stalled: true }), allowed }
    list.push({ label: `${name(index)} stands still`, to: () => late, certain: false })
  })
  world.network.forEach((message, at) => {
    if (message.delayed) return
    const network = world.network.map((each, index) =>
      index === at ? { ...each, delayed: true } : each,
    )
    const { request, send } = message.call
    const label = `${request.attemptId} send ${send} is delayed`
    list.push({ label, to: () => ({ ...world, network, allowed }), certain: false })
  })
  return list
}

// The service is down until the key window is about to close, or has closed.
function outages(world: World, { given }: Setting): readonly Move[] {
  const { allowed, drivers, network, payment, nowMs } = world
  const busy = drivers.some(
    (driver) =>
      driver.at === 'calling' ||
      driver.at === 'stored' ||
      (driver.at === 'reporting' && !driver.stalled),
  )
  if (allowed.faults === 0 || busy || network.length > 0) return []
  const { keyWindowMs } = given.capabilities
  const firstAtMs = operationsOf(payment).map(
    ({ operation }) => operation.attempt.sends[0]?.atMs ?? 0,
  )
  const moments = firstAtMs.flatMap((atMs) => [
    atMs + keyWindowMs - given.policy.keyWindowMarginMs,
    atMs + keyWindowMs + 1,
  ])
  return [...new Set(moments)]
    .filter((atMs) => atMs > nowMs)
    .map((atMs): Move => ({
      label: `everything is down until ${atMs}`,
      to: () => ({ ...world, nowMs: atMs, allowed: { ...allowed, faults: allowed.faults - 1 } }),
      certain: false,
    }))
}

function vanishings(world: World): readonly Move[] {
  return world.network.flatMap(({ delayed, call }, at): readonly Move[] => {
    if (!delayed) return []
    const network = world.network.filter((_, index) => index !== at)
    const label = `${call.request.attemptId} send ${call.send} is lost`
    return [{ label, to: () => ({ ...world, network }), certain: true }]
  })
}

function wishes(world: World): readonly Move[] {
  const { allowed, payment, nowMs } = world
  const list: Move[] = []
  if (allowed.voids > 0) {
    const command: Command = { type: 'void', by: 'agt_1', reason: 'changed its mind' }
    const decision = decide(payment, command, nowMs)
    if (decision.rejection === undefined) {
      const left = { ...allowed, voids: allowed.voids - 1 }
      const to = (): World => ({ ...apply(world, decision), allowed: left })
      list.push({ label: 'the agent voids', to, certain: false })
    }
  }
  if (allowed.webhooks > 0) {
    for (const object of world.processor.objects) {
      const evidence: Evidence = {
        kind: 'record',
        object: processor.viewOf(object),
        askedAtMs: nowMs,
      }
      const left = { ...allowed, webhooks: allowed.webhooks - 1 }
      const after = { ...world, inbox: [...world.inbox, evidence], allowed: left }
      list.push({ label: `a webhook about ${object.id} leaves`, to: () => after, certain: false })
    }
  }
  if (allowed.redrives > 0 && payment.holds.some(({ reason }) => reason === 'dead_letter')) {
    const command: Command = { type: 'redrive', by: 'ops', reason: 'again', notAfterMs: null }
    const left = { ...allowed, redrives: allowed.redrives - 1 }
    const to = (): World => ({ ...commit(world, command), allowed: left })
    list.push({ label: 'a person redrives', to, certain: false })
  }
  return list
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────

const name = (index: number): string => `driver ${index + 1}`

function describe(step: Step): string {
  if (step.do === 'command') return `commits ${step.command.type}`
  if (step.do === 'look_up') return `looks up by ${step.by}`
  return step.do === 'send'
    ? `stores a ${step.again ? 're-send' : 'send'} of ${step.target.kind}`
    : step.do
}

function describeEvidence(evidence: Evidence): string {
  const object = shownBy(evidence)
  const shown = object === null ? '' : `, object ${object.status}`
  if (evidence.kind === 'answer')
    return `${evidence.answer.signal} of send ${evidence.send}${shown}`
  if (evidence.kind === 'record') return `a record${shown}`
  return `${evidence.finding.finding} by ${evidence.by}${shown}`
}
