// The kill switch: stop everything, pause one processor account, suspend one agent. A switch takes
// effect before the next call, because it is looked at before each one; what is in flight ends
// properly. Each throw is written together with who did it and why.
import type { AuditRow, ControlAct, ControlRow } from '../core/control.ts'
import { processorKey, stopKey } from '../core/control.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action, Processor, Row } from '../ports.ts'
import type { Engine } from './engine.ts'

export interface Act {
  readonly by: string
  readonly reason: string
}

/** `unchanged`: it was so already, and nothing was written. */
export type ControlResult =
  | { readonly result: 'changed' | 'unchanged' }
  | { readonly result: 'rejected'; readonly rejection: Rejection }

/** Tries of a write that another operator's collides with. */
const maxConflicts = 10

const lost: ControlResult = {
  result: 'rejected',
  rejection: reject('retry_same_key', 'The store did not say whether it was written; look again.'),
}

/** Stops or starts everything: new claims and every call that moves money. */
export function setStopped(engine: Engine, stopped: boolean, act: Act): Promise<ControlResult> {
  return throwSwitch(engine, stopKey, stopKey, stopped, stopped ? 'stop' : 'start', act)
}

/** Pauses or resumes one processor account by the processor's configured name. */
export async function setPaused(
  engine: Engine,
  name: string,
  paused: boolean,
  act: Act,
): Promise<ControlResult> {
  const processor = engine.processors.get(name)
  if (processor === undefined) return noProcessor(engine)
  const key = processorKey(processor.binding)
  return throwSwitch(engine, key, key, paused, paused ? 'pause' : 'resume', act)
}

function noProcessor(engine: Engine): ControlResult {
  const names = [...engine.processors.keys()].join(', ')
  return {
    result: 'rejected',
    rejection: reject('not_found', `There is no such processor; there are: ${names}.`),
  }
}

async function throwSwitch(
  engine: Engine,
  key: string,
  target: string,
  halted: boolean,
  does: ControlAct,
  { by, reason }: Act,
): Promise<ControlResult> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'control', key }])
    if ((row?.value.halted ?? false) === halted) return { result: 'unchanged' }
    const atMs = engine.time.nowMs(0)
    const value: ControlRow = { halted, by, reason, atMs }
    const put: Action = { do: 'put', table: 'control', key, value, if: asRead(row) }
    const stored = await commitActs(engine, [put], { act: does, target, by, reason, atMs })
    if (stored !== 'conflict') return stored
  }
  return lost
}

/** Suspends an agent, or lets it go on. Its payments wait; its tokens still answer replays. */
export async function setSuspended(
  engine: Engine,
  agentId: string,
  suspended: boolean,
  { by, reason }: Act,
): Promise<ControlResult> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'agent', key: agentId }])
    if (row === null) {
      return { result: 'rejected', rejection: reject('not_found', 'There is no such agent.') }
    }
    if (row.value.suspended === suspended) return { result: 'unchanged' }
    const atMs = engine.time.nowMs(0)
    const value = { ...row.value, suspended }
    const put: Action = { do: 'put', table: 'agent', key: agentId, value, if: asRead(row) }
    const act = suspended ? 'suspend' : 'resume_agent'
    const stored = await commitActs(engine, [put], { act, target: agentId, by, reason, atMs })
    if (stored !== 'conflict') return stored
  }
  return lost
}

const asRead = (row: { readonly version: number } | null) =>
  row === null ? ({ absent: true } as const) : { version: row.version }

async function commitActs(
  engine: Engine,
  actions: readonly Action[],
  audit: AuditRow,
): Promise<ControlResult | 'conflict'> {
  const key = engine.ids.next('aud', audit.atMs)
  const line: Action = { do: 'put', table: 'audit', key, value: audit, if: { absent: true } }
  const commitId = engine.ids.next('cmt', audit.atMs)
  const committed = await engine.store.commit({ commitId, actions: [...actions, line] })
  if (committed.result === 'committed') return { result: 'changed' }
  return committed.result === 'conflict' ? 'conflict' : lost
}

// ── What there is ────────────────────────────────────────────────────────────────────────────────

export async function readStopped(engine: Engine): Promise<ControlRow | null> {
  const [row] = await engine.store.read([{ table: 'control', key: stopKey }])
  return row?.value ?? null
}

export interface ProcessorView {
  readonly name: string
  readonly processor: Processor
  readonly control: ControlRow | null
  readonly breaker: Row<'breaker'>['value'] | null
}

export async function listProcessors(engine: Engine): Promise<readonly ProcessorView[]> {
  return Promise.all(
    [...engine.processors].map(async ([name, processor]) => {
      const key = processorKey(processor.binding)
      const [control, breaker] = await engine.store.read([
        { table: 'control', key },
        { table: 'breaker', key },
      ])
      return { name, processor, control: control?.value ?? null, breaker: breaker?.value ?? null }
    }),
  )
}

/** The audit, newest first. */
export async function listAudit(engine: Engine, limit: number, cursor: string | undefined) {
  return engine.store.scan({
    table: 'audit',
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  })
}
