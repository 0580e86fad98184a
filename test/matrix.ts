// The matrix: every shape of a payment against every command and every reading of the processor's
// object. `docs/reference/matrix.md` prints it, `matrix.test.ts` judges it.
import { decide } from '../src/core/decide.ts'
import type { Command, Decision } from '../src/core/decide.ts'
import type { ObjectView } from '../src/core/outcome.ts'
import type { State } from '../src/core/payment.ts'
import * as build from './build.ts'
import { approvalHash, shapes } from './shapes.ts'
import type { Shape } from './shapes.ts'

/** Later than every send's `recoverAtMs`, within every deadline. */
export const laterMs = build.t0 + 60 * build.seconds

const by = 'usr_1'
const reason = 'asked'

export const agentCommands: Readonly<Record<string, Command>> = {
  capture: { type: 'capture', by, amount: null },
  void: { type: 'void', by, reason },
  refund: { type: 'refund', refundId: 'ref_2', reference: 'CN-2', amount: 100, reason, by },
}

export const operatorCommands: Readonly<Record<string, Command>> = {
  approve: { type: 'approve', by, hash: approvalHash },
  deny: { type: 'deny', by },
  redrive: { type: 'redrive', by, reason, notAfterMs: null },
  'resolve paid': {
    type: 'resolve',
    by,
    reason,
    resolution: { finding: 'paid', object: build.object('captured') },
  },
  'resolve not paid': { type: 'resolve', by, reason, resolution: { finding: 'not_paid' } },
}

export const driverCommands: Readonly<Record<string, Command>> = {
  reject: { type: 'reject', reason: 'too_late', by: 'quittance' },
  hold: { type: 'hold', reason: 'processor_changed', detail: '' },
  'lift hold': { type: 'lift_hold', reason: 'processor_changed', by: 'quittance' },
  park: { type: 'park', reason: 'outcome_unknown' },
  'finish void': { type: 'finish_void' },
}

const readings: readonly ObjectView['status'][] = [
  'created',
  'pending',
  'action_required',
  'authorised',
  'captured',
  'declined',
  'voided',
  'expired',
]

/** The processor's records show the payment's object so. */
export const evidence: Readonly<Record<string, Command>> = Object.fromEntries(
  readings.map((status): [string, Command] => [
    status,
    {
      type: 'observe',
      evidence: { kind: 'record', object: build.object(status), askedAtMs: laterMs },
      judgement: build.given(),
    },
  ]),
)

export const columns = {
  'What agents ask': agentCommands,
  'What operators ask': operatorCommands,
  'What drivers do besides sending': driverCommands,
  'What the processor’s object shows': evidence,
}

export interface Cell {
  readonly shape: Shape
  readonly command: Command
  readonly name: string
  readonly decision: Decision
}

export function cells(commands: Readonly<Record<string, Command>>): readonly Cell[] {
  return shapes().flatMap((shape) =>
    Object.entries(commands).map(([name, command]) => ({
      shape,
      command,
      name,
      decision: decide(shape.payment, command, laterMs),
    })),
  )
}

export const allCommands = { ...agentCommands, ...operatorCommands, ...driverCommands, ...evidence }

// ── As a table ───────────────────────────────────────────────────────────────────────────────────

// That evidence lifts what kept a person busy, and holds a payment whose buyer must act, is said once.
const saidOnce = ['held', 'hold_lifted']

/** What happens, in a word: the events, `–` for none, or the code of the refusal in italics. */
function told({ facts, rejection }: Decision, command: Command): string {
  if (rejection !== undefined) return `*${rejection.code}*`
  const types = facts
    .map((fact) => fact.type)
    .filter((type) => command.type !== 'observe' || !saidOnce.includes(type))
  return types.length === 0 ? '–' : types.join(', ')
}

interface Line {
  readonly state: State
  readonly operations: readonly string[]
  readonly voidings: readonly string[]
  readonly holds: readonly string[]
  readonly cells: readonly string[]
}

/** One line for all shapes of a state that answer alike; merged by hold, then voiding, then operation. */
export function lines(commands: Readonly<Record<string, Command>>): readonly Line[] {
  const names = Object.keys(commands)
  const perShape = shapes().map((shape): Line => ({
    state: shape.state,
    operations: [shape.operation],
    voidings: [shape.voiding],
    holds: [shape.hold],
    cells: names.map((name) => {
      const command = commandOf(commands, name)
      return told(decide(shape.payment, command, laterMs), command)
    }),
  }))
  return merge(merge(merge(perShape, 'holds'), 'voidings'), 'operations')
}

function commandOf(commands: Readonly<Record<string, Command>>, name: string): Command {
  const command = commands[name]
  if (command === undefined) throw new Error(`no command ${name}`)
  return command
}

function merge(list: readonly Line[], field: 'holds' | 'voidings' | 'operations'): readonly Line[] {
  const merged = new Map<string, Line>()
  for (const line of list) {
    const key = JSON.stringify({ ...line, [field]: [] })
    const before = merged.get(key)
    merged.set(
      key,
      before === undefined ? line : { ...line, [field]: [...before[field], ...line[field]] },
    )
  }
  return [...merged.values()]
}
