// Alerts from what has happened, read from the outbox like any publisher's events: the place up to
// which they were read is in the store, so a crash between an event and its alert repeats the page,
// and what was counted already is not counted again.
import { moreOf, maxNamed } from '../core/alert-life.ts'
import { alertKey } from '../core/alerts.ts'
import type { AlertGroup, AlertKind } from '../core/alerts.ts'
import type { PaymentEvent } from '../core/payment.ts'
import type { Publisher } from '../ports.ts'
import { changeAlert } from './alert-rows.ts'
import type { Engine } from './engine.ts'

/** Its place in the outbox, next to those of the other publishers. */
export const alertPublisher = 'alerts'

/** What is older is history: a new installation over an old store does not call for all of it. */
const newsMs = 86_400_000

interface News {
  readonly group: AlertGroup
  readonly event: PaymentEvent
}

export function createAlertPublisher(engine: Engine): Publisher {
  return Object.freeze({
    name: alertPublisher,
    async publish(events: readonly PaymentEvent[]) {
      const sinceMs = engine.time.nowMs(0) - newsMs
      const fresh = events.filter(({ atMs }) => atMs >= sinceMs)
      const news = [...fresh.flatMap(simpleNews), ...(await deadLetterNews(engine, fresh))]
      const groups = Map.groupBy(news, ({ group }) => alertKey(group))
      for (const each of groups.values()) await count(engine, each)
      return 'delivered' as const
    },
  })
}

async function count(engine: Engine, news: readonly News[]): Promise<void> {
  const [first] = news
  if (first === undefined) return
  const { group } = first
  const ids = news.map(({ event }) => `${event.paymentId}/${event.seq}`)
  await changeAlert(engine, group, (row) => {
    // A page that comes again begins where it began before, and holds at least as much.
    const counted = row?.lastEvent == null ? 0 : ids.indexOf(row.lastEvent) + 1
    const added = news.slice(counted).map(({ event }) => event.paymentId)
    if (added.length === 0) return null
    const sighting = { group, count: added.length, paymentIds: added.slice(0, maxNamed) }
    return { ...moreOf(row, sighting, engine.time.nowMs(0)), lastEvent: ids.at(-1) ?? null }
  })
}

const ofKind = (kind: AlertKind): AlertGroup => ({ kind, subject: null, detail: '' })

function simpleNews(event: PaymentEvent): readonly News[] {
  const kind = kindOf(event)
  return kind === null ? [] : [{ group: ofKind(kind), event }]
}

function kindOf(event: PaymentEvent): AlertKind | null {
  if (event.type === 'corrected') return 'corrected'
  if (event.type === 'duplicate_found') return 'duplicate_object'
  if (event.type !== 'observed') return null
  const { cause } = event.by
  const isAlarming =
    cause === 'key_mismatch' || cause === 'mismatched_answer' || cause === 'unreadable'
  return isAlarming ? cause : null
}

// Which processor it was, and whether it is parked still, is in the record that was committed along.
async function deadLetterNews(
  engine: Engine,
  events: readonly PaymentEvent[],
): Promise<readonly News[]> {
  const parked = events.filter((event) => event.type === 'parked')
  const news: News[] = []
  for (let from = 0; from < parked.length; from += 100) {
    const page = parked.slice(from, from + 100)
    const keys = page.map(({ paymentId }) => ({ table: 'dead_letter', key: paymentId }) as const)
    const rows = await engine.store.read(keys)
    for (const [index, event] of page.entries()) {
      const letter = rows[index]?.value
      if (letter?.status !== 'open') continue
      const { processor: subject, reason: detail } = letter
      news.push({ group: { kind: 'dead_letter', subject, detail }, event })
    }
  }
  return news
}
