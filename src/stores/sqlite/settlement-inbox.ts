// Which settlement files came, how far, and which run compares them: a small database beside the files
// with their lines. If it is lost, files are read again, which changes nothing.
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import type { SettlementIndex } from '../../engine/settlement-index.ts'
import type {
  SettlementInbox,
  SettlementOffer,
  SettlementUpload,
} from '../../engine/settlement-inbox.ts'
import { openSettlementIndex } from './settlement-index.ts'

const schema = `
CREATE TABLE IF NOT EXISTS upload (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  processor TEXT NOT NULL,
  is_exclusive INTEGER NOT NULL,
  received INTEGER NOT NULL,
  run TEXT,
  touched_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch (
  processor TEXT NOT NULL,
  name TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (processor, name, run)
) STRICT, WITHOUT ROWID;
`

/** Names of batches that are kept with a run; a file with more is told without the others. */
const maxBatches = 100

/** Nobody goes on with an upload that old; its lines are let go of. */
const abandonedAfterMs = 7 * 86_400_000

export interface SettlementFiles {
  readonly inbox: SettlementInbox
  /** The lines of an upload; whoever asks closes it. */
  readonly indexOf: (id: string) => SettlementIndex
  readonly close: () => void
}

/** `folder` keeps everything about settlement files. Throws where it cannot be opened. */
export function openSettlementFiles(folder: string, nowMs: () => number): SettlementFiles {
  const db = new DatabaseSync(join(folder, 'settlements.db'))
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA synchronous = FULL')
  db.exec(schema)
  const fileOf = (id: string): string => join(folder, `${id}.lines.db`)
  const indexOf = (id: string): SettlementIndex => openSettlementIndex(fileOf(id))
  forgetAbandoned(db, fileOf, nowMs() - abandonedAfterMs)
  // One upload at a time is written to: an index that stays open saves a sync for each page.
  let held: { readonly id: string; readonly index: SettlementIndex } | null = null
  const release = (): void => {
    held?.index.close(false)
    held = null
  }
  const hold = (id: string): SettlementIndex => {
    if (held?.id === id) return held.index
    release()
    held = { id, index: indexOf(id) }
    return held.index
  }
  return Object.freeze({
    inbox: inboxOn(db, nowMs, { hold, release, fileOf }),
    indexOf,
    close() {
      release()
      db.close()
    },
  })
}

interface Held {
  readonly hold: (id: string) => SettlementIndex
  readonly release: () => void
  readonly fileOf: (id: string) => string
}

function inboxOn(db: DatabaseSync, nowMs: () => number, held: Held): SettlementInbox {
  const select = db.prepare('SELECT * FROM upload WHERE id = ?')
  const read = (id: string): SettlementUpload | null => {
    const row = select.get(id)
    return row === undefined ? null : uploadOf(row)
  }
  return Object.freeze<SettlementInbox>({
    read,
    open(offer, again) {
      const id = idOf(offer)
      const known = read(id)
      if (known !== null && !(again && known.run !== null)) return known
      held.release()
      forget(held.fileOf(id))
      const { name, processor, isExclusive } = offer
      db.prepare('INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, 0, NULL, ?)').run(
        id,
        name,
        processor,
        isExclusive ? 1 : 0,
        nowMs(),
      )
      return { id, name, processor, isExclusive, received: 0, run: null }
    },
    add(id, page) {
      const upload = read(id)
      if (upload === null) return null
      if (upload.run !== null) return { added: 'had' }
      const index = held.hold(id)
      const added = index.add(page)
      // The lines' own file knows; this is what is shown.
      const touch = db.prepare('UPDATE upload SET received = ?, touched_at_ms = ? WHERE id = ?')
      touch.run(index.received(), nowMs(), id)
      return { added }
    },
    complete(id) {
      const upload = read(id)
      if (upload === null) throw new Error(`there is no upload ${id}`)
      const index = held.hold(id)
      index.complete()
      const { name, processor, isExclusive } = upload
      const batches = index.batches(maxBatches)
      const earlier = db.prepare(
        'SELECT run FROM batch WHERE processor = ? AND name = ? ORDER BY run DESC LIMIT 1',
      )
      const repeats = batches.flatMap((batch) => {
        const run = earlier.get(processor, batch)?.['run']
        return run === undefined ? [] : [{ batch, run: String(run) }]
      })
      return { id, name, isExclusive, batches, repeats }
    },
    began(id, run) {
      const { processor } = read(id) ?? { processor: '' }
      const batches = held.hold(id).batches(maxBatches)
      held.release()
      db.exec('BEGIN IMMEDIATE')
      db.prepare('UPDATE upload SET run = ? WHERE id = ?').run(run, id)
      const insert = db.prepare('INSERT OR IGNORE INTO batch VALUES (?, ?, ?)')
      for (const batch of batches) insert.run(processor, batch, run)
      db.exec('COMMIT')
    },
  })
}

/** The same file of the same processor has the same id, whoever sends it and how often. */
function idOf({ digest, processor, isExclusive }: SettlementOffer): string {
  const text = `${processor} ${isExclusive} ${digest}`
  return `stf_${createHash('sha256').update(text).digest('hex').slice(0, 26)}`
}

const uploadOf = (row: Readonly<Record<string, unknown>>): SettlementUpload => ({
  id: String(row['id']),
  name: String(row['name']),
  processor: String(row['processor']),
  isExclusive: row['is_exclusive'] === 1,
  received: Number(row['received']),
  run: typeof row['run'] === 'string' ? row['run'] : null,
})

function forgetAbandoned(db: DatabaseSync, fileOf: (id: string) => string, beforeMs: number): void {
  const sql = 'SELECT id FROM upload WHERE run IS NULL AND touched_at_ms < ?'
  for (const row of db.prepare(sql).all(beforeMs)) {
    const id = String(row['id'])
    forget(fileOf(id))
    db.prepare('DELETE FROM upload WHERE id = ?').run(id)
  }
}

function forget(file: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
}
