// Finding payments for people: by whatever they remember, over as many rows as one answer may cost;
// and how many payments were made in each of the last minutes.
import * as z from 'zod'

import { normalise } from '../core/normalise.ts'
import { states } from '../core/transitions.ts'
import { listPayments } from '../engine/read.ts'
import type { PaymentView } from '../engine/read.ts'
import type { PaymentQuery } from '../ports.ts'
import { examplePayment } from './examples.ts'
import { rfc3339, toPaymentJson } from './representation.ts'
import { operatorRead } from './route.ts'
import type { Route } from './route.ts'
import { integer, limit, listQuery, object, ownName, text, time, toMs } from './schemas.ts'
import { ok } from './service.ts'
import { list, paymentJson, cursor as wireCursor, time as wireTime } from './wire.ts'
import type { PaymentJson } from './wire.ts'

/** Rows that one answer looks at: a few milliseconds of reading, while payments wait their turn. */
const maxLookedAt = 1_000
const pageSize = 100
const defaultPage = 50

const searchQuery = object({
  text: text(
    256,
    'Part of an id, payee, reference or agent; case and spaces do not count.',
  ).optional(),
  state: listQuery.shape.state,
  hold: listQuery.shape.hold,
  reference: listQuery.shape.reference,
  agent: ownName.optional(),
  payee: text(256, 'Part of the payee’s name.').optional(),
  amount: integer(1, 999_999_999_999_999, 'Exactly so many minor units.'),
  operation: z
    .enum(['due', 'sent', 'pending', 'unknown', 'succeeded', 'failed'], {
      error: 'must be due, sent, pending, unknown, succeeded or failed',
    })
    .optional()
    .meta({ description: 'How the operation stands that is out now.' }),
  from: time('Made then or later.').optional(),
  to: time('Made before then.').optional(),
  limit,
  cursor: listQuery.shape.cursor,
})

type Search = z.output<typeof searchQuery>

const searchJson = z
  .strictObject({
    ...list(paymentJson),
    cursor: wireCursor,
    looked_at: z.int().meta({ description: 'Payments that this answer compared.' }),
  })
  .meta({ id: 'PaymentSearch' })

const search = operatorRead(
  '/v1/search',
  {
    name: 'searchPayments',
    summary:
      'Payments that fit, newest first; a page may hold fewer than asked although more follow',
    status: 200,
    answer: searchJson,
    example: { object: 'list', data: [examplePayment], cursor: null, looked_at: 1 },
  },
  searchQuery,
  async ({ engine, query, nowMs }) => {
    const most = query.limit ?? defaultPage
    const fromMs = toMs(query.from ?? null) ?? 0
    const data: PaymentJson[] = []
    let cursor: string | null = startOf(query)
    for (let lookedAt = 0; ;) {
      const page = await listPayments(engine, { ...indexed(query), ...(cursor ? { cursor } : {}) })
      cursor = page.cursor
      for (const view of page.views) {
        lookedAt += 1
        const shown = toPaymentJson(view, nowMs)
        const isOlder = view.row.payment.createdAtMs < fromMs
        if (!isOlder && fits(shown, query)) data.push(shown)
        if (isOlder) return ok(200, { object: 'list', data, cursor: null, looked_at: lookedAt })
        if (data.length === most) {
          const isLast = cursor === null && view === page.views.at(-1)
          const next = isLast ? null : shown.id
          return ok(200, { object: 'list', data, cursor: next, looked_at: lookedAt })
        }
      }
      if (cursor === null || lookedAt >= maxLookedAt) {
        return ok(200, { object: 'list', data, cursor, looked_at: lookedAt })
      }
    }
  },
)

/** What the store has an index for; the rest is compared here. */
function indexed({ state, hold, reference, agent }: Search): PaymentQuery {
  return {
    account: null,
    limit: pageSize,
    ...(state === undefined ? {} : { state }),
    ...(hold === undefined ? {} : { hold }),
    ...(reference === undefined ? {} : { reference: normalise(reference) }),
    ...(agent === undefined ? {} : { agent }),
  }
}

/** Ids begin with the time of their claim, so that a list can begin anywhere in time. */
function startOf({ cursor, to }: Search): string | null {
  const toMsGiven = toMs(to ?? null)
  if (toMsGiven === null) return cursor ?? null
  const first = firstIdAt(toMsGiven)
  return cursor === undefined || first < cursor ? first : cursor
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** No payment of that moment has a lower id. */
function firstIdAt(atMs: number): string {
  let at = ''
  for (let rest = Math.max(0, atMs), place = 0; place < 10; place += 1) {
    at = alphabet.charAt(rest % 32) + at
    rest = Math.floor(rest / 32)
  }
  return `pay_${at}${'0'.repeat(16)}`
}

function fits(payment: PaymentJson, { text: words, payee, amount, operation }: Search): boolean {
  if (amount !== undefined && payment.amount !== amount) return false
  if (operation !== undefined && payment.operation?.status !== operation) return false
  if (payee !== undefined && !normalise(payment.payee).includes(normalise(payee))) return false
  if (words === undefined) return true
  const sought = normalise(words)
  const { id, reference, agent } = payment
  return [id, payment.payee, reference, agent].some((each) => normalise(each).includes(sought))
}

// ── How busy it is ───────────────────────────────────────────────────────────────────────────────

const maxMinutes = 180
const defaultMinutes = 60

const activityJson = z
  .strictObject({
    object: z.literal('activity'),
    from: wireTime.meta({ description: 'The minutes are complete from here on.' }),
    to: wireTime,
    complete: z.boolean().meta({ description: 'False: there are more payments than are counted.' }),
    minutes: z.array(
      z.strictObject({
        at: wireTime,
        states: z.partialRecord(z.enum(states), z.int()),
      }),
    ),
  })
  .meta({ id: 'Activity' })

type ActivityJson = z.output<typeof activityJson>

const minuteMs = 60_000

const activity = operatorRead(
  '/v1/activity',
  {
    name: 'readActivity',
    summary: 'Payments made in each of the last minutes, by the state that they are in now',
    status: 200,
    answer: activityJson,
    example: {
      object: 'activity',
      from: '2026-01-31T12:20:00.000Z',
      to: '2026-01-31T12:20:30.000Z',
      complete: true,
      minutes: [{ at: '2026-01-31T12:20:00.000Z', states: { captured: 12, declined: 1 } }],
    } satisfies ActivityJson,
  },
  object({ minutes: integer(1, maxMinutes, `Default: ${defaultMinutes}.`) }),
  async ({ engine, nowMs, query: { minutes = defaultMinutes } }) => {
    const firstMs = Math.floor(nowMs / minuteMs) * minuteMs - (minutes - 1) * minuteMs
    const { views, complete } = await newestSince((query) => listPayments(engine, query), firstMs)
    const oldestMs = views.at(-1)?.row.payment.createdAtMs ?? firstMs
    // The minute in which the looking ended is known in part only.
    const fromMs = complete ? firstMs : Math.floor(oldestMs / minuteMs + 1) * minuteMs
    const body: ActivityJson = {
      object: 'activity',
      from: rfc3339(fromMs),
      to: rfc3339(nowMs),
      complete,
      minutes: byMinute(views, fromMs, nowMs),
    }
    return ok(200, body)
  },
)

async function newestSince(
  read: (query: PaymentQuery) => ReturnType<typeof listPayments>,
  fromMs: number,
): Promise<{ readonly views: readonly PaymentView[]; readonly complete: boolean }> {
  const views: PaymentView[] = []
  let cursor: string | null = null
  while (views.length < maxLookedAt) {
    const page: Awaited<ReturnType<typeof listPayments>> = await read({
      account: null,
      limit: pageSize,
      ...(cursor === null ? {} : { cursor }),
    })
    const young = page.views.filter(({ row }) => row.payment.createdAtMs >= fromMs)
    views.push(...young)
    if (young.length < page.views.length || page.cursor === null) return { views, complete: true }
    cursor = page.cursor
  }
  return { views, complete: false }
}

function byMinute(
  views: readonly PaymentView[],
  fromMs: number,
  toMsExclusive: number,
): ActivityJson['minutes'] {
  const minutes = new Map<number, Partial<Record<PaymentJson['state'], number>>>()
  for (let at = fromMs; at <= toMsExclusive; at += minuteMs) minutes.set(at, {})
  for (const { row } of views) {
    const { createdAtMs, state } = row.payment
    const counts = minutes.get(Math.floor(createdAtMs / minuteMs) * minuteMs)
    if (counts !== undefined) counts[state] = (counts[state] ?? 0) + 1
  }
  return [...minutes].map(([at, counts]) => ({ at: rfc3339(at), states: counts }))
}

export const searchRoutes: readonly Route[] = [search, activity]
