// Events that a publisher would not take, in a file of their own: kept until they are delivered after
// all, or for good.
import { openOwnFile } from '../file.ts'
import type { DeadEvent, DeadEvents } from '../../delivery-ports.ts'

const kind = {
  /** "QTND" in the file's header. */
  applicationId: 0x51544e44,
  format: 1,
  what: 'file of dead events of Quittance',
  advice: 'run that version, or put it aside and replay what it holds',
  schema: `
CREATE TABLE dead_event (
  publisher TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (publisher, payment_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_event_by_time ON dead_event (publisher, at_ms, payment_id, seq);
`,
}

export interface DeadEventFile extends DeadEvents {
  readonly close: () => void
}

export function openDeadEvents(path: string): DeadEventFile {
  const { db } = openOwnFile(path, kind, () => 'dead_events')
  const put = db.prepare('INSERT OR IGNORE INTO dead_event VALUES (?, ?, ?, ?, ?)')
  const take = db.prepare(
    'DELETE FROM dead_event WHERE publisher = ? AND payment_id = ? AND seq = ?',
  )
  const list = db.prepare(
    'SELECT * FROM dead_event WHERE publisher = ? ORDER BY at_ms, payment_id, seq LIMIT ?',
  )
  const counts = db.prepare('SELECT publisher, count(*) AS n FROM dead_event GROUP BY publisher')
  return Object.freeze<DeadEventFile>({
    async put({ publisher, paymentId, seq, reason, atMs }) {
      put.run(publisher, paymentId, seq, reason, atMs)
    },
    async take(publisher, paymentId, seq) {
      take.run(publisher, paymentId, seq)
    },
    list: async ({ publisher, limit }) => list.all(publisher, limit).map(deadEventOf),
    async counts() {
      return new Map(counts.all().map((row) => [String(row['publisher']), Number(row['n'])]))
    },
    close: () => db.close(),
  })
}

function deadEventOf(row: Readonly<Record<string, unknown>>): DeadEvent {
  return {
    publisher: String(row['publisher']),
    paymentId: String(row['payment_id']),
    seq: Number(row['seq']),
    reason: String(row['reason']),
    atMs: Number(row['at_ms']),
  }
}
