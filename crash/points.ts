// Loaded before the real service (`node --import`): kills it with SIGKILL at the n-th time that it
// passes one named place. Production source has no switch for this: what is wrapped here is
// SQLite, HTTP and the file system as Node gives them. `CRASH_POINT` is `name:n`, `CRASH_LOG` the
// file that is told of it.
import diagnostics from 'node:diagnostics_channel'
import { fstatSync, openSync, writeSync } from 'node:fs'
import fileSystem from 'node:fs/promises'
import { ServerResponse } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

import type { PointName } from './point-names.ts'

const [name = '', nth = '1'] = (process.env['CRASH_POINT'] ?? '').split(':')
const log = process.env['CRASH_LOG'] ?? ''

let passed = 0

/** The place `here` is passed. */
function pass(here: PointName): void {
  if (here !== name) return
  passed += 1
  if (passed === Number(nth)) die(here)
}

function die(here: string): void {
  writeSync(openSync(log, 'a'), `${here}\n`)
  process.kill(process.pid, 'SIGKILL')
}

// ── The store ────────────────────────────────────────────────────────────────────────────────────

/** What is told of a statement: before it runs, and after. */
const statements: readonly (readonly [RegExp, PointName | null, PointName | null])[] = [
  [/^PRAGMA journal_mode/, 'before_opening', null],
  [/^BEGIN EXCLUSIVE/, null, 'file_locked'],
  [/CREATE TABLE/, null, 'in_migration'],
  [/^PRAGMA user_version =/, null, 'migrated_before_commit'],
  [/^BEGIN IMMEDIATE/, null, 'begun'],
  [/^SAVEPOINT|^ROLLBACK/, null, null],
  [/^RELEASE/, null, 'applied'],
  [/^COMMIT/, 'before_commit', 'after_commit'],
  [/^PRAGMA wal_checkpoint\(TRUNCATE/, 'before_last_checkpoint', 'after_last_checkpoint'],
  [/^\s*(INSERT|UPDATE|DELETE)/, null, 'between_writes'],
]

function around<T>(sql: string, run: () => T): T {
  const [, before, after] = statements.find(([pattern]) => pattern.test(sql)) ?? []
  if (before != null) pass(before)
  const result = run()
  if (after != null) pass(after)
  return result
}

function wrapStore(): void {
  const { exec, prepare } = DatabaseSync.prototype
  const { run } = StatementSync.prototype
  const texts = new WeakMap<StatementSync, string>()
  DatabaseSync.prototype.exec = function (sql) {
    around(sql, () => exec.call(this, sql))
    if (sql === 'COMMIT' && name === 'in_checkpoint') checkpointUnderFire(this, exec)
  }
  DatabaseSync.prototype.prepare = function (sql, ...rest) {
    // Its mode is asked for by a statement that answers a row.
    if (sql.startsWith('PRAGMA journal_mode')) pass('before_opening')
    const statement = prepare.call(this, sql, ...rest)
    texts.set(statement, sql)
    return statement
  }
  StatementSync.prototype.run = function (this: StatementSync, ...values: never[]) {
    return around(texts.get(this) ?? '', () => Reflect.apply(run, this, values))
  }
}

// SQLite copies its log inside one call, where no JavaScript runs: another thread watches the file
// and kills once a page has been copied and the call has not come back. `gate`: 1 inside, else 0.
const gate = new Int32Array(new SharedArrayBuffer(4))
let commits = 0
let hunter: Worker | null = null

function checkpointUnderFire(db: DatabaseSync, exec: DatabaseSync['exec']): void {
  const file = db.location()
  commits += 1
  if (file === null || commits < Number(nth)) return
  hunter ??= new Worker(new URL(import.meta.url), { workerData: { hunted: file, gate } })
  hunter.unref()
  Atomics.store(gate, 0, 1)
  exec.call(db, 'PRAGMA wal_checkpoint(PASSIVE)')
  Atomics.store(gate, 0, 0)
}

function hunt(file: string, inside: Int32Array): void {
  const fd = openSync(file, 'r')
  const changed = (): bigint => fstatSync(fd, { bigint: true }).mtimeNs
  for (let before = changed(); ;) {
    const now = changed()
    if (now !== before && Atomics.load(inside, 0) === 1) return die('in_checkpoint')
    before = now
  }
}

// ── Calls to the processor, and answers ──────────────────────────────────────────────────────────

function listenToCalls(): void {
  const steps = [
    ['undici:request:create', 'before_call'],
    ['undici:request:bodySent', 'call_sent'],
    ['undici:request:headers', 'answer_begun'],
    ['undici:request:trailers', 'answer_not_stored'],
  ] as const
  for (const [channel, here] of steps) {
    diagnostics.subscribe(channel, (message) => {
      // The channel's documentation has the shape; look-ups move no money.
      const { request } = message as { readonly request: { readonly method: string } }
      if (request.method === 'POST') pass(here)
    })
  }
}

function wrapAnswers(): void {
  const { writeHead, end } = ServerResponse.prototype
  const isWrite = ({ req }: ServerResponse): boolean => req.method === 'POST'
  const isWebhook = ({ req }: ServerResponse): boolean => req.url?.startsWith('/webhooks/') === true
  ServerResponse.prototype.writeHead = function (this: ServerResponse, ...args: never[]) {
    if (isWrite(this)) pass(isWebhook(this) ? 'before_webhook_answer' : 'before_answer')
    return Reflect.apply(writeHead, this, args)
  }
  ServerResponse.prototype.end = function (this: ServerResponse, ...args: never[]) {
    if (isWrite(this) && !isWebhook(this)) this.once('finish', () => pass('after_answer'))
    return Reflect.apply(end, this, args)
  }
}

function wrapFiles(): void {
  const { rename } = fileSystem
  fileSystem.rename = async (from, to) => {
    pass('before_rename')
    await rename(from, to)
  }
  syncBuiltinESMExports()
}

if (isMainThread) {
  wrapStore()
  listenToCalls()
  wrapAnswers()
  wrapFiles()
} else if (typeof workerData?.hunted === 'string') {
  hunt(workerData.hunted, workerData.gate)
}
