// The tables, as numbered migrations. A migration that was released is never changed; the next one
// follows it. `schema.golden.sql` shows what they add up to, so that a review sees the effect.
import type { DatabaseSync } from 'node:sqlite'

/** "QTNC" in the file's header: nobody else's database is taken for ours. */
const applicationId = 0x51544e43

// Every table has its key, the number of actions on the row, the id of the commit that wrote it
// last, and its value as JSON. Other columns only repeat what a query looks for. Small rows live in
// their key's index (WITHOUT ROWID); payments and events are too long for that.
const migrations: readonly string[] = [
  `
CREATE TABLE payment (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  account TEXT NOT NULL,
  agent TEXT NOT NULL,
  state TEXT NOT NULL,
  reference TEXT NOT NULL,
  holds TEXT NOT NULL,
  due_at_ms INTEGER,
  run INTEGER NOT NULL
) STRICT;
CREATE INDEX payment_by_account ON payment (account, key);
CREATE INDEX payment_by_agent ON payment (agent, key);
CREATE INDEX payment_by_state ON payment (state, key);
CREATE INDEX payment_by_reference ON payment (reference, key);
CREATE INDEX payment_held ON payment (key) WHERE holds <> '';
CREATE INDEX payment_due ON payment (due_at_ms, key) WHERE due_at_ms IS NOT NULL;

CREATE TABLE event (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  payment_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (payment_id, seq)
) STRICT;

CREATE TABLE publisher (
  name TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  observed_at_ms INTEGER
) STRICT;
CREATE INDEX webhook_unmatched ON webhook (received_at_ms, key) WHERE observed_at_ms IS NULL;
` +
    ['details', 'key', 'reference', 'look_alike', 'budget', 'agent', 'account', 'token']
      .map(
        (table) => `
CREATE TABLE ${table} (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
      )
      .join(''),
  // What people look through has its status beside it; an agent and an audit line have none.
  ['control', 'breaker', 'slot', 'audit']
    .map(
      (table) => `
CREATE TABLE ${table} (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
    )
    .join('') +
    ['dead_letter', 'alert']
      .map(
        (table) => `
CREATE TABLE ${table} (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;
CREATE INDEX ${table}_by_status ON ${table} (status, key);
`,
      )
      .join(''),
  ['reconciliation', 'break']
    .map(
      (table) => `
CREATE TABLE ${table} (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;
CREATE INDEX ${table}_by_status ON ${table} (status, key);
`,
    )
    .join(''),
  `
CREATE TABLE clock (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
]

/** The number of the newest schema that this program knows. */
export const schemaVersion = migrations.length

/** Throws where the file is somebody else's, or a newer program's. Changes nothing. */
export function assertOurs(db: DatabaseSync): void {
  const empty = db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  if (empty) return
  if (pragma(db, 'application_id') !== applicationId) {
    throw new Error('it is a database of another program')
  }
  const version = pragma(db, 'user_version')
  if (version > schemaVersion) {
    throw new Error(
      `a newer Quittance wrote it (schema ${version}, this program knows ${schemaVersion}): ` +
        'run that version or a later one',
    )
  }
}

/** Brings a file to the newest schema, each step whole or not at all. */
export function migrate(db: DatabaseSync): void {
  for (const [index, sql] of migrations.entries()) {
    if (index < pragma(db, 'user_version')) continue
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(sql)
      db.exec(`PRAGMA application_id = ${applicationId}`)
      db.exec(`PRAGMA user_version = ${index + 1}`)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}

/** The whole schema as text, sorted, for `schema.golden.sql`. */
export function schemaText(db: DatabaseSync): string {
  const statements = db
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name",
    )
    .all()
    .map(({ sql }) => `${String(sql)};\n`)
  return [`PRAGMA user_version = ${pragma(db, 'user_version')};\n`, ...statements].join('\n')
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}
