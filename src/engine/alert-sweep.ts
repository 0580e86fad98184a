// How many dead letters there are of each processor and reason, by walking through the open ones a
// few pages at a time. Events tell of new ones at once; this corrects the counts and finds out when
// a group is empty. Of more than `pagesPerLook` pages one walk takes several looks.
import type { Sighting } from '../core/alert-life.ts'
import { maxNamed } from '../core/alert-life.ts'
import { alertKey } from '../core/alerts.ts'
import type { AlertGroup } from '../core/alerts.ts'
import type { DeadLetterRow } from '../core/dead-letter.ts'
import type { AlertRows } from './alert-rows.ts'
import type { Engine } from './engine.ts'

/** Of 100 rows each: what a desk of people has to do fits into one look. */
const pagesPerLook = 5

/** A walk that has come to its end. */
export interface Walked {
  readonly groups: readonly Sighting[]
  /** The alerts as they were when it began: of one that changed meanwhile it knows too little. */
  readonly began: AlertRows
}

export interface DeadLetterSweep {
  /** `null`: there is more to walk through at the next look. */
  readonly look: (engine: Engine, rows: AlertRows) => Promise<Walked | null>
}

export function createDeadLetterSweep(): DeadLetterSweep {
  let cursor: string | null = null
  let began: AlertRows = new Map()
  let groups = new Map<string, Sighting>()

  return Object.freeze({
    async look(engine: Engine, rows: AlertRows) {
      if (cursor === null) {
        began = rows
        groups = new Map()
      }
      for (let pages = 0; pages < pagesPerLook; pages += 1) {
        const more: { cursor?: string } = cursor === null ? {} : { cursor }
        const page = await engine.store.scan({
          table: 'dead_letter',
          status: 'open',
          limit: 100,
          ...more,
        })
        for (const { value } of page.rows) add(groups, value)
        cursor = page.cursor
        if (cursor === null) return { groups: [...groups.values()], began }
      }
      return null
    },
  })
}

function add(groups: Map<string, Sighting>, letter: DeadLetterRow): void {
  const { processor: subject, reason: detail, paymentId } = letter
  const group: AlertGroup = { kind: 'dead_letter', subject, detail }
  const key = alertKey(group)
  const { count = 0, paymentIds = [] } = groups.get(key) ?? {}
  const named = paymentIds.length < maxNamed ? [...paymentIds, paymentId] : paymentIds
  groups.set(key, { group, count: count + 1, paymentIds: named })
}
