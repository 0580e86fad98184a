// What keys answered, counts, and settings that outlive a restart.
import type { DatabaseSync } from 'node:sqlite'

import type { Answered, Ledger } from './ledger.ts'
import { integer, text } from './rows.ts'
import type { SqlRow } from './rows.ts'

type AnswerRows = Pick<
  Ledger,
  'answered' | 'insertAnswered' | 'forgetAnswered' | 'forgetOldAnswers'
>

export function answerRows(db: DatabaseSync): AnswerRows {
  const byKey = db.prepare('select * from answered where key = ?')
  const insert = db.prepare(
    'insert into answered (key, fingerprint, status, body, created_at_ms) values (?, ?, ?, ?, ?)',
  )
  const forget = db.prepare('delete from answered where key = ?')
  // Rows are in order of time, so the oldest are found without an index of their own.
  const forgetOld = db.prepare(
    'delete from answered where created_at_ms <= ? and seq in ' +
      '(select seq from answered order by seq limit 200)',
  )
  return {
    answered: (key) => byKey.all(key).map(toAnswered)[0] ?? null,
    insertAnswered: (key, { fingerprint, status, body, createdAtMs }) => {
      insert.run(key, fingerprint, status, body, createdAtMs)
    },
    forgetAnswered: (key) => {
      forget.run(key)
    },
    forgetOldAnswers: (atMs) => {
      forgetOld.run(atMs)
    },
  }
}

type TallyRows = Pick<Ledger, 'count' | 'counted' | 'tally' | 'total' | 'setting' | 'putSetting'>

export function tallyRows(db: DatabaseSync): TallyRows {
  const add = db.prepare(
    'insert into tally (scope, subject, count) values (?, ?, 1) ' +
      'on conflict do update set count = count + 1 returning count',
  )
  const one = db.prepare('select count from tally where scope = ? and subject = ?')
  const all = db.prepare('select subject, count from tally where scope = ?')
  const sum = db.prepare('select coalesce(sum(count), 0) as sum from tally where scope = ?')
  const setting = db.prepare('select value from setting where name = ?')
  const put = db.prepare('insert or replace into setting (name, value) values (?, ?)')
  const first = (rows: SqlRow[], column: string): number =>
    rows[0] === undefined ? 0 : integer(rows[0], column)
  return {
    count: (scope, subject) => first(add.all(scope, subject), 'count'),
    counted: (scope, subject) => first(one.all(scope, subject), 'count'),
    tally: (scope) =>
      Object.fromEntries(
        all.all(scope).map((row) => [text(row, 'subject'), integer(row, 'count')] as const),
      ),
    total: (scope) => first(sum.all(scope), 'sum'),
    setting: (name) => setting.all(name).map((row) => text(row, 'value'))[0] ?? null,
    putSetting: (name, value) => {
      put.run(name, value)
    },
  }
}

function toAnswered(row: SqlRow): Answered {
  return {
    fingerprint: text(row, 'fingerprint'),
    status: integer(row, 'status'),
    body: text(row, 'body'),
    createdAtMs: integer(row, 'created_at_ms'),
  }
}
