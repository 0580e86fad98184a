// Webhooks out, for operators: where events go, what became of each delivery, and what is sent again.
import type { Delivery, ReplayFilter, Webhooks } from '../delivery-ports.ts'
import { recordAct } from '../engine/audit.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Operating, Reply, Route, RouteDoc } from './route.ts'
import { eventId } from './events.ts'
import { rfc3339 } from './representation.ts'
import { noQuery, object } from './schemas.ts'
import { ok } from './service.ts'
import type { HttpService } from './service.ts'
import { noSuchEndpoint } from './variables.ts'
import {
  deliveriesQuery,
  deliveryListJson,
  endpointAct,
  endpointChange,
  endpointJson,
  endpointListJson,
  endpointReplayRequest,
  endpointRequest,
  endpointWithSecretJson,
  endpointsQuery,
  removedJson,
  replayedJson,
  rotateRequest,
} from './webhook-schemas.ts'
import type { DeliveryJson } from './webhook-schemas.ts'
import {
  at,
  badUrl,
  defaultOverlapMs,
  exampleEndpoint,
  exampleSecret,
  exists,
  noRoom,
  noWebhooks,
  showEndpoint,
  toEndpointJson,
} from './webhook-show.ts'

const path = '/v1/webhook-endpoints'
const one = `${path}/{endpointId}`
const defaultPage = 20

const doc = (name: string, summary: string): RouteDoc => ({
  name,
  summary,
  status: 200,
  answer: endpointJson,
  example: exampleEndpoint,
})

const withSecret = (name: string, summary: string, status: number): RouteDoc => ({
  ...doc(name, summary),
  status,
  answer: endpointWithSecretJson,
  example: { ...exampleEndpoint, secret: exampleSecret },
})

// ── Reads ────────────────────────────────────────────────────────────────────────────────────────

const listAll = operatorRead(
  path,
  {
    ...doc('listWebhookEndpoints', 'Where events go, newest first; never with a secret'),
    answer: endpointListJson,
    example: { object: 'list', data: [exampleEndpoint], cursor: null },
  },
  endpointsQuery,
  async ({ x: { service }, query: { limit = defaultPage, cursor } }) => {
    if (service.webhooks === undefined) return noWebhooks
    const { webhooks } = service
    const before = cursor === undefined ? {} : { before: cursor }
    const found = await webhooks.list({ limit: limit + 1, ...before })
    const counts = new Map((await webhooks.standing()).map((each) => [each.endpoint.id, each]))
    const data = found
      .slice(0, limit)
      .map((each) => toEndpointJson(each, counts.get(each.id) ?? { pending: 0, dead: 0 }))
    const more = found.length > limit ? (data.at(-1)?.id ?? null) : null
    return ok(200, { object: 'list', data, cursor: more })
  },
)

const readOne = operatorRead(
  one,
  doc('readWebhookEndpoint', 'One endpoint, and how it stands'),
  noQuery,
  async ({ x: { service }, id }) => {
    if (service.webhooks === undefined) return noWebhooks
    const endpoint = await service.webhooks.get(id)
    return endpoint === null
      ? noSuchEndpoint
      : ok(200, await showEndpoint(service.webhooks, endpoint))
  },
)

const exampleDelivery: DeliveryJson = {
  object: 'delivery',
  number: 1042,
  event_id: 'evt_01JD4Z0M8QW3R5T7V9X1B2C4D6_6',
  payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  seq: 6,
  type: 'captured',
  status: 'pending',
  attempts: 1,
  since: '2026-01-31T12:20:00.000Z',
  next_attempt_at: '2026-01-31T12:20:04.000Z',
  ended_at: null,
  tries: [{ at: '2026-01-31T12:20:00.000Z', status: 503, error: null, took_ms: 41 }],
}

function toDeliveryJson(delivery: Delivery): DeliveryJson {
  const { number, paymentId, seq, type, status, attempts } = delivery
  return {
    object: 'delivery',
    number,
    event_id: eventId(paymentId, seq),
    payment_id: paymentId,
    seq,
    type,
    status,
    attempts,
    since: rfc3339(delivery.sinceMs),
    next_attempt_at: status === 'pending' ? rfc3339(delivery.nextAtMs) : null,
    ended_at: at(delivery.endedAtMs),
    tries: delivery.tries.map(({ atMs, status: answered, error, tookMs }) => ({
      at: rfc3339(atMs),
      status: answered,
      error,
      took_ms: tookMs,
    })),
  }
}

const deliveries = operatorRead(
  `${one}/deliveries`,
  {
    ...doc('listWebhookDeliveries', 'What became of each event there, newest first'),
    answer: deliveryListJson,
    example: { object: 'list', data: [exampleDelivery], cursor: null },
  },
  deliveriesQuery,
  async ({ x: { service }, id, query }) => {
    if (service.webhooks === undefined) return noWebhooks
    const { status, payment, limit = defaultPage, cursor } = query
    if ((await service.webhooks.get(id)) === null) return noSuchEndpoint
    const found = await service.webhooks.deliveries({
      endpointId: id,
      limit: limit + 1,
      ...(status === undefined ? {} : { status }),
      ...(payment === undefined ? {} : { paymentId: payment }),
      ...(cursor === undefined ? {} : { before: cursor }),
    })
    const data = found.slice(0, limit).map(toDeliveryJson)
    const more = found.length > limit ? String(data.at(-1)?.number) : null
    return ok(200, { object: 'list', data, cursor: more })
  },
)

// ── Acts ─────────────────────────────────────────────────────────────────────────────────────────

type Acting = Operating<{ readonly reason?: string | undefined }>

/** The act is in the audit before it is done: one line too many is better than one too few. */
async function acted(
  given: Acting,
  act: 'add' | 'change' | 'enable' | 'disable' | 'rotate' | 'remove' | 'replay',
  target: string,
  does: (webhooks: NonNullable<HttpService['webhooks']>) => Promise<Reply>,
): Promise<Reply> {
  const { engine, x, operator, body } = given
  const { webhooks } = x.service
  if (webhooks === undefined) return noWebhooks
  if (act !== 'add' && (await webhooks.get(target)) === null) return noSuchEndpoint
  const line = { act: `webhook_${act}`, target, by: operator, reason: body.reason ?? '' } as const
  const stored = await recordAct(engine, line)
  return typeof stored === 'object' ? { rejection: stored } : does(webhooks)
}

const add = operatorPost(
  path,
  withSecret('addWebhookEndpoint', 'Send events to an address; its secret is shown this once', 201),
  {
    schema: endpointRequest,
    example: { url: 'https://example.com/quittance', events: ['captured', 'settled'] },
  },
  (given) => {
    const { url, description, events, account, agent } = given.body
    const target = URL.canParse(url) ? new URL(url).origin : 'nowhere'
    return acted(given, 'add', target, async (webhooks) => {
      const added = await webhooks.add({
        url,
        description: description ?? '',
        events: events ?? [],
        account: account ?? null,
        agent: agent ?? null,
        callbackOf: null,
        createdBy: given.operator,
        status: 'enabled',
      })
      if (added.result === 'bad_url') return badUrl(added.fault)
      if (added.result === 'exists') return exists(added.id)
      if (added.result === 'no_room') return noRoom(added.most)
      const shown = await showEndpoint(webhooks, added.endpoint)
      return ok(201, { ...shown, secret: added.secret })
    })
  },
)

async function changed(
  webhooks: Webhooks,
  id: string,
  to: Parameters<Webhooks['change']>[1],
): Promise<Reply> {
  const done = await webhooks.change(id, to)
  if (done.result === 'absent') return noSuchEndpoint
  if (done.result === 'bad_url') return badUrl(done.fault)
  return ok(200, await showEndpoint(webhooks, done.endpoint))
}

const change: Route = {
  ...operatorPost(
    one,
    doc('changeWebhookEndpoint', 'Another address, description or filter; the rest stays'),
    { schema: endpointChange, example: { events: [] } },
    (given) => {
      const { reason: _, url, description, events } = given.body
      const to = {
        ...(url === undefined ? {} : { url }),
        ...(description === undefined ? {} : { description }),
        ...(events === undefined ? {} : { events }),
      }
      return acted(given, 'change', given.id, (webhooks) => changed(webhooks, given.id, to))
    },
  ),
  method: 'PATCH',
}

const sentAct = { schema: endpointAct, example: { reason: 'the receiver is mended' } }

const enable = operatorPost(
  `${one}/enable`,
  doc('enableWebhookEndpoint', 'Send there: what was kept, and what comes'),
  sentAct,
  (given) =>
    acted(given, 'enable', given.id, (webhooks) =>
      changed(webhooks, given.id, { status: 'enabled', reason: null }),
    ),
)

const disable = operatorPost(
  `${one}/disable`,
  doc('disableWebhookEndpoint', 'Send nothing there for now; what happens is kept for it'),
  sentAct,
  (given) =>
    acted(given, 'disable', given.id, (webhooks) =>
      changed(webhooks, given.id, { status: 'disabled', reason: 'operator' }),
    ),
)

const rotate = operatorPost(
  `${one}/rotate`,
  withSecret('rotateWebhookSecret', 'A new secret; for a while the old one signs as well', 200),
  { schema: rotateRequest, example: { overlap_seconds: 86_400 } },
  (given) =>
    acted(given, 'rotate', given.id, async (webhooks) => {
      const { overlap_seconds: seconds } = given.body
      const overlapMs = seconds === undefined ? defaultOverlapMs : seconds * 1_000
      const rotated = await webhooks.rotate(given.id, overlapMs)
      if (rotated === null) return noSuchEndpoint
      const shown = await showEndpoint(webhooks, rotated.endpoint)
      return ok(200, { ...shown, secret: rotated.secret })
    }),
)

const remove: Route = {
  ...operatorPost(
    one,
    {
      ...doc('removeWebhookEndpoint', 'Forget an endpoint, with all that waits for it'),
      answer: removedJson,
      example: { object: 'removed', id: exampleEndpoint.id },
    },
    { schema: object({}), example: {} },
    (given) =>
      acted({ ...given, body: {} }, 'remove', given.id, async (webhooks) => {
        const removed = await webhooks.remove(given.id)
        return removed ? ok(200, { object: 'removed', id: given.id }) : noSuchEndpoint
      }),
  ),
  method: 'DELETE',
  body: null,
}

const replay = operatorPost(
  `${one}/replay`,
  {
    ...doc('replayWebhooks', 'Send events there once more, under the ids that they had'),
    answer: replayedJson,
    example: { object: 'replay', replayed: 12, refused: 0, cursor: null },
  },
  { schema: endpointReplayRequest, example: { dead_letters: true } },
  (given) =>
    acted(given, 'replay', given.id, async (webhooks) => {
      const done = await webhooks.replay(given.id, filterOf(given.body))
      if (done === null) return noSuchEndpoint
      const { replayed, next: cursor } = done
      return ok(200, { object: 'replay', replayed, refused: 0, cursor })
    }),
)

function filterOf(body: {
  readonly payment?: string | undefined
  readonly delivery?: number | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly cursor?: string | undefined
}): ReplayFilter {
  const { payment, delivery, from, to, cursor } = body
  if (payment !== undefined) return { which: 'payment', paymentId: payment }
  if (delivery !== undefined) return { which: 'delivery', number: delivery }
  if (from === undefined || to === undefined) return { which: 'dead' }
  const window = { fromMs: Date.parse(from), toMs: Date.parse(to) }
  return { which: 'window', ...window, after: cursor ?? null }
}

export const webhookRoutes: readonly Route[] = [
  listAll,
  add,
  readOne,
  change,
  remove,
  enable,
  disable,
  rotate,
  deliveries,
  replay,
]
