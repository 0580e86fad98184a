// The stored alerts. There are as many as there are kinds, processors, publishers and reasons, so all
// of them are read at once.
import { alertKey } from '../core/alerts.ts'
import type { AlertGroup, AlertRow } from '../core/alerts.ts'
import type { Row } from '../ports.ts'
import type { Engine } from './engine.ts'

export type AlertRows = ReadonlyMap<string, Row<'alert'>>

/** Twins that collide more often are not twins but a fault. */
const maxConflicts = 10

export async function readAlerts(engine: Engine): Promise<Map<string, Row<'alert'>>> {
  const rows = new Map<string, Row<'alert'>>()
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof scan>> = await scan(engine, cursor)
    for (const { key, value, version } of page.rows) rows.set(key, { value, version })
    cursor = page.cursor
  } while (cursor !== null)
  return rows
}

function scan(engine: Engine, cursor: string | null) {
  const more = cursor === null ? {} : { cursor }
  return engine.store.scan({ table: 'alert', limit: 100, ...more })
}

/** Writes the row as it was read before; `null`: somebody else did meanwhile. Rejects if in doubt. */
export async function putAlert(
  engine: Engine,
  row: Row<'alert'> | null,
  value: AlertRow,
): Promise<Row<'alert'> | null> {
  const condition = row === null ? ({ absent: true } as const) : { version: row.version }
  const committed = await engine.store.commit({
    commitId: engine.ids.next('cmt', engine.time.nowMs(0)),
    actions: [{ do: 'put', table: 'alert', key: alertKey(value), value, if: condition }],
  })
  if (committed.result === 'unknown') throw new Error(committed.why)
  return committed.result === 'conflict' ? null : { value, version: (row?.version ?? 0) + 1 }
}

/** Changes one alert, decided again on the fresh row after a conflict; the same row is not written. */
export async function changeAlert(
  engine: Engine,
  group: AlertGroup,
  decideOn: (row: AlertRow | null) => AlertRow | null,
): Promise<void> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'alert', key: alertKey(group) }])
    const after = decideOn(row?.value ?? null)
    if (after === null || after === row?.value) return
    if ((await putAlert(engine, row, after)) !== null) return
  }
  throw new Error('too many conflicts on an alert')
}
