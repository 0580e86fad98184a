// A write as SQL: one statement for each action (one for each event of a record), whose WHERE holds
// the action's condition. The database itself judges: no value is read, changed here and put back.
import type { SQLInputValue } from 'node:sqlite'
import { normalise } from '../../core/normalise.ts'
import type { Action, Condition, Put, TableName, Write } from '../../ports.ts'
import type { StoredRow } from './row-cache.ts'

/** A statement, and what its condition means about its result. */
export interface Step {
  readonly table: TableName | 'event'
  readonly key: string
  readonly sql: string
  readonly values: readonly SQLInputValue[]
  /** `change`: it changed a row. `row`, `no_row`: it found one, or none. `nothing`: no condition. */
  readonly needs: 'change' | 'row' | 'no_row' | 'nothing'
  /** The row afterwards, for the cache; `untold`: it changed, and only the file knows to what. */
  readonly leaves: StoredRow | 'untold' | 'unchanged'
  /** Which commit wrote the row that was in the way. */
  readonly writer: { readonly sql: string; readonly values: readonly SQLInputValue[] }
}

type Of<D extends Action['do']> = Extract<Action, { readonly do: D }>

export function stepsOf({ commitId, actions }: Write): readonly Step[] {
  return actions.flatMap((action) =>
    action.do === 'record' ? record(action, commitId) : [stepOf(action, commitId)],
  )
}

function stepOf(action: Exclude<Action, { do: 'record' }>, commitId: string): Step {
  const { table, key } = action
  const writer = { sql: `SELECT commit_id FROM ${table} WHERE key = ?`, values: [key] }
  return { table, key, writer, ...statementOf(action, commitId) }
}

type Statement = Pick<Step, 'sql' | 'values' | 'needs' | 'leaves'>

function statementOf(action: Exclude<Action, { do: 'record' }>, commitId: string): Statement {
  switch (action.do) {
    case 'put':
      return put(action, commitId)
    case 'delete':
      return remove(action)
    case 'check':
      return check(action)
    case 'add':
      return add(action, commitId)
    case 'append':
      return append(action, commitId)
  }
}

// ── Conditions ───────────────────────────────────────────────────────────────────────────────────

/** What follows `WHERE key = ?`. */
function where(condition: Condition): { readonly sql: string; readonly values: SQLInputValue[] } {
  if (condition === null) return { sql: '', values: [] }
  if ('absent' in condition) return { sql: ' AND 0', values: [] }
  if ('version' in condition) return { sql: ' AND version = ?', values: [condition.version] }
  if ('paymentIs' in condition) {
    return { sql: " AND value ->> 'paymentId' = ?", values: [condition.paymentIs] }
  }
  return {
    sql: " AND value ->> 'left' >= ? AND value ->> 'mandateVersion' = ? AND NOT value ->> 'closed'",
    values: [condition.leftAtLeast, condition.mandateVersion],
  }
}

const isAbsent = (condition: Condition): boolean => condition !== null && 'absent' in condition

// Without a condition a repeated write would act twice. A row that this same write has written says
// so by changing nothing, which then counts as committed.
const notByUs = ' AND commit_id <> ?'

// ── Actions ──────────────────────────────────────────────────────────────────────────────────────

function put(action: Put, commitId: string): Statement {
  const value = JSON.stringify(action.value)
  const version = versionAfter(action.if)
  const leaves = version === null ? 'untold' : { version, value }
  if (action.if !== null && !isAbsent(action.if)) {
    const columns = changingColumns(action)
    const names = Object.keys(columns)
    const values = [commitId, value, ...Object.values(columns)]
    const condition = where(action.if)
    const set = ['commit_id', 'value', ...names].map((name) => `, ${name} = ?`).join('')
    return {
      sql: `UPDATE ${action.table} SET version = version + 1${set} WHERE key = ?${notByUs}${condition.sql}`,
      values: [...values, action.key, commitId, ...condition.values],
      needs: 'change',
      leaves,
    }
  }
  const columns = { ...lastingColumns(action), ...changingColumns(action) }
  const names = Object.keys(columns)
  const values = [commitId, value, ...Object.values(columns)]
  const insert = `INSERT INTO ${action.table} (key, version, commit_id, value${names.map((name) => `, ${name}`).join('')})
    VALUES (?, 1, ?, ?${', ?'.repeat(names.length)})`
  const onConflict = isAbsent(action.if) ? 'ON CONFLICT DO NOTHING' : replace(names)
  const sql = `${insert} ${onConflict}`
  return { sql, values: [action.key, ...values], needs: 'change', leaves }
}

/** `null`: the condition does not tell. */
function versionAfter(condition: Condition): number | null {
  if (isAbsent(condition)) return 1
  return condition !== null && 'version' in condition ? condition.version + 1 : null
}

function replace(names: readonly string[]): string {
  const set = ['commit_id', 'value', ...names].map((name) => `, ${name} = excluded.${name}`)
  return `ON CONFLICT (key) DO UPDATE SET version = version + 1${set.join('')}
    WHERE commit_id <> excluded.commit_id`
}

type Columns = Readonly<Record<string, SQLInputValue>>

/**
 * The columns beside the value, as queries look for them, that stay as they were claimed. An update
 * leaves them out: naming a column writes its indexes anew even where its value is the same.
 */
function lastingColumns(action: Put): Columns {
  if (action.table !== 'payment') return {}
  const { account, agent, reference } = action.value.payment
  return { account, agent, reference: normalise(reference) }
}

function changingColumns(action: Put): Columns {
  if (action.table === 'webhook') {
    const { receivedAtMs, observedAtMs } = action.value
    return { received_at_ms: receivedAtMs, observed_at_ms: observedAtMs }
  }
  if (
    action.table === 'dead_letter' ||
    action.table === 'alert' ||
    action.table === 'reconciliation' ||
    action.table === 'break'
  ) {
    return { status: action.value.status }
  }
  if (action.table !== 'payment') return {}
  const { payment, dueAtMs, run } = action.value
  return {
    state: payment.state,
    // `,a,b,`: each reason between commas, so that one can be found without its like.
    holds:
      payment.holds.length === 0 ? '' : `,${payment.holds.map(({ reason }) => reason).join()},`,
    due_at_ms: dueAtMs,
    run,
  }
}

function remove({ table, key, if: condition }: Of<'delete'>): Statement {
  if (isAbsent(condition)) return check({ do: 'check', table, key, if: condition })
  const { sql, values } = where(condition)
  return {
    sql: `DELETE FROM ${table} WHERE key = ?${sql}`,
    values: [key, ...values],
    needs: condition === null ? 'nothing' : 'change',
    leaves: 'untold',
  }
}

function check({ table, key, if: condition }: Of<'check'>): Statement {
  const absent = isAbsent(condition)
  const { sql, values } = where(absent ? null : condition)
  return {
    sql: `SELECT 1 FROM ${table} WHERE key = ?${sql}`,
    values: [key, ...values],
    needs: absent ? 'no_row' : condition === null ? 'nothing' : 'row',
    leaves: 'unchanged',
  }
}

// `CAST`: JavaScript's numbers arrive as floats, and JSON would keep the `.0`.
function add({ key, left, spent, if: condition }: Of<'add'>, commitId: string): Statement {
  const { sql, values } = where(condition)
  return {
    sql: `UPDATE budget SET version = version + 1, commit_id = ?, value = json_set(value,
      '$.left', value ->> 'left' + CAST(? AS INTEGER),
      '$.spent', value ->> 'spent' + CAST(? AS INTEGER))
      WHERE key = ?${notByUs}${sql}`,
    values: [commitId, left, spent, key, commitId, ...values],
    needs: 'change',
    leaves: 'untold',
  }
}

function append({ key, paymentId }: Of<'append'>, commitId: string): Statement {
  return {
    sql: `INSERT INTO look_alike (key, version, commit_id, value)
      VALUES (?, 1, ?, json_object('paymentIds', json_array(?)))
      ON CONFLICT (key) DO UPDATE SET version = version + 1, commit_id = excluded.commit_id,
      value = json_insert(value, '$.paymentIds[#]', ?)
      WHERE commit_id <> excluded.commit_id`,
    values: [key, commitId, paymentId, paymentId],
    needs: 'change',
    leaves: 'untold',
  }
}

function record({ paymentId, events }: Of<'record'>, commitId: string): readonly Step[] {
  return events.map((event) => ({
    table: 'event',
    key: `${paymentId}/${event.seq}`,
    sql: `INSERT INTO event (payment_id, seq, commit_id, value) VALUES (?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
    values: [paymentId, event.seq, commitId, JSON.stringify(event)],
    needs: 'change',
    leaves: 'unchanged',
    writer: {
      sql: 'SELECT commit_id FROM event WHERE payment_id = ? AND seq = ?',
      values: [paymentId, event.seq],
    },
  }))
}
