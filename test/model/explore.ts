// Walks every path of a small world, depth first, each different world once.
import { hash } from 'node:crypto'

import { moves } from './moves.ts'
import type { Move } from './moves.ts'
import { Broken, ending } from './world.ts'
import type { Call, Driver, Setting, World } from './world.ts'
import type { Evidence } from '../../src/core/observe.ts'
import type { ObjectView } from '../../src/core/outcome.ts'
import type { Operation, Payment } from '../../src/core/payment.ts'

export interface Exploration {
  readonly worlds: number
  readonly complete: boolean
  /** How the paths end, and how many different ends look so. */
  readonly endings: ReadonlyMap<string, number>
  /** Each broken promise with the shortest path seen that leads to it. */
  readonly violations: readonly { readonly what: string; readonly path: readonly string[] }[]
}

export function explore(start: World, setting: Setting, maxWorlds = Infinity): Exploration {
  const seen = new Set<string>()
  const endings = new Map<string, number>()
  const violations = new Map<string, readonly string[]>()
  const path: string[] = []
  /** For each world on the path, the moves not yet followed. */
  const ahead: Move[][] = []

  const note = (error: unknown): void => {
    const what = error instanceof Broken ? error.message : `threw: ${String(error)}`
    const known = violations.get(what)
    if (known === undefined || path.length < known.length) violations.set(what, [...path])
  }
  /** Goes into a world that was not seen yet. */
  const enter = (world: World): boolean => {
    const key = hash('sha1', keyOf(world, setting), 'base64').slice(0, 16)
    if (seen.has(key)) return false
    seen.add(key)
    const list = [...moves(world, setting)]
    if (!list.some(({ certain }) => certain)) {
      const end = ending(world)
      endings.set(end, (endings.get(end) ?? 0) + 1)
    }
    ahead.push(list)
    return true
  }
  const attempt = (to: () => World): boolean => {
    try {
      return enter(to())
    } catch (error) {
      note(error)
      return false
    }
  }

  attempt(() => start)
  for (let list = ahead.at(-1); list !== undefined; list = ahead.at(-1)) {
    const move = list.pop()
    if (move === undefined || seen.size >= maxWorlds) {
      ahead.pop()
      path.pop()
      continue
    }
    path.push(move.label)
    if (!attempt(move.to)) path.pop()
  }
  return {
    worlds: seen.size,
    complete: seen.size < maxWorlds,
    endings,
    violations: [...violations].map(([what, story]) => ({ what, path: story })),
  }
}

// ── When are two worlds the same? ────────────────────────────────────────────────────────────────

// Times count from now on, what no decision reads any more is left out, drivers are alike.
function keyOf(world: World, { given }: Setting): string {
  const { nowMs, payment, drivers, network, processor, inbox, allowed } = world
  const { keyWindowMs, lookupLagMs } = given.capabilities
  const live = payment.state === 'initiated' || 'operation' in payment || payment.voiding !== null
  return JSON.stringify([
    paymentKey(payment, nowMs),
    drivers.map((driver) => driverKey(driver, nowMs)).toSorted(),
    network
      .map(
        ({ call, delayed, latestMs }) => `${callKey(call, nowMs)} ${delayed} ${latestMs - nowMs}`,
      )
      .toSorted(),
    processor.objects.map(({ id, attemptId, status, captures, refunds, madeAtMs }) => [
      id,
      attemptId,
      status,
      captures,
      refunds.length,
      Math.max(-lookupLagMs, madeAtMs - nowMs),
    ]),
    live || network.length > 0
      ? processor.keys.map(({ attemptId, atMs, answer }) => [
          attemptId,
          Math.max(-keyWindowMs, atMs - nowMs),
          answer.signal,
          answer.object?.status,
        ])
      : null,
    processor.referenceFenced,
    inbox.map((evidence) => evidenceKey(evidence, nowMs)),
    Object.values(allowed),
  ])
}

const callKey = ({ request, send, atMs }: Call, nowMs: number): string =>
  `${request.attemptId} ${send} ${atMs - nowMs}`

function driverKey(driver: Driver, nowMs: number): string {
  if (driver.at === 'idle') return 'idle'
  if (driver.at === 'reporting') return `${driver.stalled} ${evidenceKey(driver.evidence, nowMs)}`
  const stalled = driver.at === 'stored' && driver.stalled
  return `${driver.at} ${stalled} ${callKey(driver.call, nowMs)}`
}

function evidenceKey(evidence: Evidence, nowMs: number): string {
  if (evidence.kind === 'record') return `record ${objectKey(evidence.object)}`
  if (evidence.kind === 'answer') {
    const { attemptId, send, answer } = evidence
    return `answer ${attemptId} ${send} ${answer.signal} ${objectKey(answer.object)}`
  }
  const { target, by, finding, askedAtMs } = evidence
  const object = finding.finding === 'found' ? finding.object : null
  return `${finding.finding} ${JSON.stringify(target)} ${by} ${askedAtMs - nowMs} ${objectKey(object)}`
}

const objectKey = (object: ObjectView | null): string =>
  object === null
    ? ''
    : `${object.objectId} ${object.attemptId} ${object.status} ${object.refunds.length}`

function paymentKey(payment: Payment, nowMs: number): unknown[] {
  const open = 'operation' in payment ? payment.operation : null
  const paid = 'refunds' in payment ? payment : null
  return [
    payment.state,
    operationKey(open, nowMs),
    operationKey(payment.voiding, nowMs),
    payment.attemptsOpened,
    payment.objectId,
    payment.duplicateObjects,
    payment.voidRequested === null,
    payment.holds.map(({ reason, detail }) => [reason, detail]),
    Math.max(-1, payment.notAfterMs - nowMs),
    // Only an end asks whether a reading is younger than it.
    'operation' in payment ? null : payment.updatedAtMs - nowMs,
    payment.state === 'declined' ? payment.objectCancelled : null,
    payment.state === 'captured' ? payment.settlementAsked.count : null,
    paid?.refunds.map(({ status, operation }) => [status, operationKey(operation, nowMs)]),
  ]
}

function operationKey(operation: Operation | null, nowMs: number): unknown {
  if (operation === null) return null
  const { kind, attempt, earlierSends, forgivenSends, inquiries, storesDeclines } = operation
  const last = attempt.sends.at(-1)
  const lastAtMs = last?.atMs ?? 0
  return [
    kind,
    attempt.id,
    attempt.request.objectId,
    // Of the times, only those of the first and the last send are ever read.
    (attempt.sends[0]?.atMs ?? 0) - nowMs,
    lastAtMs - nowMs,
    Math.max(-1, (last?.recoverAtMs ?? 0) - nowMs),
    attempt.sends.map(({ outcome, cause }) => `${outcome} ${telling(cause)}`),
    earlierSends,
    forgivenSends,
    inquiries.count,
    Math.max(lastAtMs, inquiries.lastAtMs) - nowMs,
    inquiries.answered,
    inquiries.absentAtMs.map((atMs) => atMs - nowMs),
    storesDeclines,
  ]
}

// The causes that decisions read.
const tellingCauses = ['key_mismatch', 'account_fault', 'stored_error']

function telling(cause: string | null): string {
  if (cause === null || tellingCauses.includes(cause)) return cause ?? ''
  return cause.startsWith('proof:') ? 'proof' : 'other'
}
