// What calls say about a processor, brought to its breaker's row. The row is shared and durable; what
// this process still has to say waits here, so that however many calls end at once, one write speaks
// for all of them. Good news alone is not worth a write: it goes along with the next bad.
import { closedBreaker, record } from '../core/breaker.ts'
import type { Breaker, Report } from '../core/breaker.ts'
import type { AuditRow } from '../core/control.ts'
import type { Action, CommitResult, Row, Write } from '../ports.ts'
import type { Engine } from './engine.ts'
import { isUnreadable } from './watch-store.ts'

export interface Breakers {
  /** Ends when what was said is stored, or was given up; never rejects. */
  readonly report: (engine: Engine, key: string, report: Report) => Promise<void>
  /** The stored breaker with what this process has still to say: a slow disk hides no outage. */
  readonly foresee: (engine: Engine, key: string, stored: Breaker) => Breaker
}

// No window looks at more of them; what a probe has to say is never forgotten.
function forgetOldest(reports: Report[], window: number): void {
  if (reports.length <= window) return
  const oldest = reports.findIndex(({ epoch, verdict }) => epoch === null && verdict !== 'fault')
  if (oldest >= 0) reports.splice(oldest, 1)
}

/** Tries of one write; what is lost then is told again by the next calls. */
const maxTries = 10

/** Reports that one write speaks for, and who waits for it. */
interface Batch {
  readonly reports: Report[]
  readonly stored: PromiseWithResolvers<void>
}

const noBatch = (): Batch => ({ reports: [], stored: Promise.withResolvers() })

export function createBreakers(): Breakers {
  const waiting = new Map<string, Batch>()
  const underWay = new Map<string, readonly Report[]>()
  const writing = new Set<string>()

  const write = async (engine: Engine, key: string): Promise<void> => {
    writing.add(key)
    for (let batch = take(key); batch !== null; batch = take(key)) {
      underWay.set(key, batch.reports)
      try {
        await store(engine, key, batch.reports)
      } catch (error) {
        engine.alarm({ kind: 'bug', paymentId: null, detail: `breaker: ${String(error)}` })
      } finally {
        underWay.delete(key)
        batch.stored.resolve()
      }
    }
    writing.delete(key)
  }

  const take = (key: string): Batch | null => {
    const batch = waiting.get(key) ?? null
    waiting.delete(key)
    return batch
  }

  return Object.freeze({
    report(engine: Engine, key: string, report: Report) {
      const batch = waiting.get(key) ?? noBatch()
      waiting.set(key, batch)
      batch.reports.push(report)
      forgetOldest(batch.reports, engine.breakerPolicy.window)
      if (report.verdict === 'good' && report.epoch === null) return Promise.resolve()
      if (!writing.has(key)) void write(engine, key)
      return batch.stored.promise
    },
    foresee(engine: Engine, key: string, stored: Breaker) {
      if (!writing.has(key)) return stored
      const unsaid = [...(underWay.get(key) ?? []), ...(waiting.get(key)?.reports ?? [])]
      return record(stored, unsaid, engine.time.nowMs(0), engine.breakerPolicy)
    },
  })
}

async function store(engine: Engine, key: string, all: readonly Report[]): Promise<void> {
  let reports = all
  for (let tries = 1; tries <= maxTries; tries += 1) {
    const stored = await storeOnce(engine, key, reports).catch((error: unknown) => {
      // A store that is away for a moment must not cost what a probe has found out.
      if (tries === maxTries && !isUnreadable(error)) throw error
      return 'unreadable' as const
    })
    if (stored === 'committed') return
    // Where it is not known whether it was stored, nothing is counted twice: the next calls tell again.
    // What a probe has to say counts once by its number.
    if (stored === 'unknown') reports = reports.filter(({ epoch }) => epoch !== null)
    if (reports.length === 0) return
    await engine.clock.sleep(tries * 5)
  }
}

async function storeOnce(
  engine: Engine,
  key: string,
  reports: readonly Report[],
): Promise<CommitResult['result']> {
  const [row] = await engine.store.read([{ table: 'breaker', key }])
  const before = row?.value ?? closedBreaker
  const nowMs = engine.time.nowMs(0)
  const after = record(before, reports, nowMs, engine.breakerPolicy)
  return after === before ? 'committed' : storeBreaker(engine, key, row, after, nowMs)
}

/** The same write once more says what became of it, where the first answer was lost. */
const maxRepeats = 2

/** Writes the row as it was read before; a change of state goes into the audit with it. */
export async function storeBreaker(
  engine: Engine,
  key: string,
  row: Row<'breaker'> | null,
  after: Breaker,
  nowMs: number,
): Promise<CommitResult['result']> {
  const condition = row === null ? ({ absent: true } as const) : { version: row.version }
  const put: Action = { do: 'put', table: 'breaker', key, value: after, if: condition }
  const changed = (row?.value.state ?? 'closed') !== after.state
  const write: Write = {
    commitId: engine.ids.next('cmt', nowMs),
    actions: changed ? [put, audit(engine, key, after, nowMs)] : [put],
  }
  let { result } = await engine.store.commit(write)
  for (let repeats = 0; result === 'unknown' && repeats < maxRepeats; repeats += 1) {
    await engine.clock.sleep(20)
    const again = await engine.store.commit(write)
    // Another's write since then: it is not known whether ours was there before it.
    result = again.result === 'conflict' ? 'unknown' : again.result
  }
  return result
}

function audit(engine: Engine, key: string, { state, reason }: Breaker, atMs: number): Action {
  const value: AuditRow = { act: 'breaker', target: key, by: 'quittance', reason: '', atMs }
  return {
    do: 'put',
    table: 'audit',
    key: engine.ids.next('aud', atMs),
    value: { ...value, reason: reason === null ? state : `${state}: ${reason}` },
    if: { absent: true },
  }
}
