// A line of the audit, written in one commit with what it is about.
import type { AuditRow } from '../core/control.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action } from '../ports.ts'
import type { Engine } from './engine.ts'

/** `conflict`: a row of the caller's had changed; nothing was written. */
export async function recordAct(
  engine: Engine,
  audit: Omit<AuditRow, 'atMs'>,
  actions: readonly Action[] = [],
): Promise<'stored' | 'conflict' | Rejection> {
  const atMs = engine.time.nowMs(0)
  const key = engine.ids.next('aud', atMs)
  const value = { ...audit, atMs }
  const line: Action = { do: 'put', table: 'audit', key, value, if: { absent: true } }
  const commitId = engine.ids.next('cmt', atMs)
  const committed = await engine.store.commit({ commitId, actions: [...actions, line] })
  if (committed.result === 'committed') return 'stored'
  if (committed.result === 'conflict') return 'conflict'
  return reject('retry_same_key', 'The store did not say whether it was written; look again.')
}
