// Stripe as it is documented, as far as the adapter speaks with it: a server with a table of idempotency
// keys, PaymentIntents, refunds, disputes, lists and search. Where it is told to it fails like a network
// or like Stripe on a bad day. It is no proof about Stripe itself: the suite of the test mode is.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import { listOf, readForm, wordOf, wordsOf } from './form.ts'
import type { Form } from './form.ts'
import { cancel, capture, confirm, invalid, lapse, refund, shown } from './intents.ts'
import type { Intent, Refusal } from './intents.ts'

/** Befalls the next request that fits, once. */
export type Fault =
  | '504_before'
  | '504_after'
  | 'reset_before'
  | 'reset_after'
  | '500_then_done'
  | '500_then_not'
  | '429'
  | 'lock_timeout'
  | 'slow'
  | 'wrong_amount'
  | 'retry_a_decline'

export interface StandInOptions {
  readonly apiKey: string
  readonly webhookSecret: string
  /** Kept so long; Stripe says at least 24 hours. */
  readonly keyWindowSeconds?: number
  readonly slowMs?: number
}

export interface StandIn {
  readonly url: string
  readonly intents: ReadonlyMap<string, Intent>
  /** `what`: the kind of request that it befalls; `about`: a word of its body, or any. */
  readonly inject: (fault: Fault, what: Asked, about?: string) => void
  /** Made past the adapter. */
  readonly plant: (about: Partial<Intent> & Pick<Intent, 'metadata'>) => Intent
  readonly passes: (seconds: number) => void
  /** An event about an object, signed now. */
  readonly event: (objectId: string) => { body: string; headers: Record<string, string> }
  readonly close: () => Promise<void>
}

export type Asked = 'create' | 'confirm' | 'capture' | 'cancel' | 'refund' | 'read'

interface Kept {
  readonly print: string
  readonly at: number
  answer: Answer | null
}

interface Answer {
  readonly status: number
  readonly body: object
}

interface Request {
  readonly asked: Asked
  readonly method: string
  readonly path: readonly string[]
  readonly form: Form
  readonly raw: string
  readonly key: string | null
}

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const { apiKey, webhookSecret, keyWindowSeconds = 86_400, slowMs = 50 } = options
  const intents = new Map<string, Intent>()
  const keys = new Map<string, Kept>()
  const faults: { fault: Fault; what: Asked; about: string }[] = []
  let [number, ahead, requests] = [0, 0, 0]
  const now = (): number => Math.floor(Date.now() / 1_000) + ahead
  const idOf = (prefix: string): string => {
    number += 1
    return `${prefix}_${number.toString().padStart(6, '0')}${randomBytes(6).toString('hex')}`
  }

  function makeIntent(form: Form): Answer {
    const amount = Number(wordOf(form, 'amount'))
    const currency = wordOf(form, 'currency') ?? ''
    if (!Number.isSafeInteger(amount) || amount < 1)
      return refused(invalid('parameter_invalid_integer', 'amount'))
    if (!/^[a-z]{3}$/.test(currency) || currency === 'xts')
      return refused(invalid('invalid_currency', 'currency'))
    const method = wordOf(form, 'payment_method') ?? null
    if (method === 'pm_missing') return refused(invalid('resource_missing', 'payment_method', 404))
    const intent = plant({
      amount,
      currency,
      metadata: wordsOf(form, 'metadata'),
      captureMethod: wordOf(form, 'capture_method') === 'automatic' ? 'automatic' : 'manual',
      paymentMethod: method,
    })
    const refusal = wordOf(form, 'confirm') === 'true' ? confirm(intent, idOf('ch'), now()) : null
    return refusal === null ? told(intent, form) : refused(refusal)
  }

  function plant(about: Partial<Intent> & Pick<Intent, 'metadata'>): Intent {
    const intent: Intent = {
      id: idOf('pi'),
      amount: 1999,
      currency: 'eur',
      created: now(),
      status: 'requires_confirmation',
      captureMethod: 'manual',
      paymentMethod: null,
      received: 0,
      captures: 0,
      cancellationReason: null,
      declineCode: null,
      chargeId: null,
      disputed: 0,
      availableOn: null,
      refunds: [],
      ...about,
    }
    intents.set(intent.id, intent)
    return intent
  }

  const told = (intent: Intent, form: Form): Answer => ({
    status: 200,
    body: shown(intent, new Set(listOf(form, 'expand')), now()),
  })

  function act(request: Request): Answer {
    const { asked, form, path } = request
    if (asked === 'create') return makeIntent(form)
    if (asked === 'refund') return makeRefund(form)
    const intent = intents.get(path[2] ?? '')
    if (intent === undefined) return refused(invalid('resource_missing', 'intent', 404))
    lapse(intent, now())
    const wanted = wordOf(form, 'capture_method')
    if (asked === 'confirm' && wanted !== undefined) {
      intent.captureMethod = wanted === 'automatic' ? 'automatic' : 'manual'
    }
    const amount = Number(wordOf(form, 'amount_to_capture') ?? intent.amount)
    const refusal =
      asked === 'confirm'
        ? confirm(intent, intent.chargeId ?? idOf('ch'), now())
        : asked === 'capture'
          ? capture(intent, amount, now())
          : cancel(intent)
    return refusal === null ? told(intent, form) : refused(refusal)
  }

  function makeRefund(form: Form): Answer {
    const intent = intents.get(wordOf(form, 'payment_intent') ?? '')
    if (intent === undefined) return refused(invalid('resource_missing', 'payment_intent', 404))
    const amount = Number(wordOf(form, 'amount') ?? intent.received)
    const metadata = wordsOf(form, 'metadata')
    const made = {
      id: idOf('re'),
      object: 'refund',
      amount,
      status: 'succeeded',
      metadata,
    } as const
    const refusal = refund(intent, made)
    if (refusal !== null) return refused(refusal)
    const inner = listOf(form, 'expand').map((each) => each.replace(/^payment_intent\./, ''))
    return { status: 200, body: { ...made, payment_intent: shown(intent, new Set(inner), now()) } }
  }

  function read({ path, form }: Request): Answer {
    const [, room = '', id] = path
    if (room === 'account') return { status: 200, body: { object: 'account', id: 'acct_standin' } }
    if (room === 'disputes') return disputesOf(wordOf(form, 'payment_intent') ?? '')
    if (room !== 'payment_intents') return refused(invalid('url_invalid', undefined, 404))
    for (const intent of intents.values()) lapse(intent, now())
    if (id === 'search') return search(form)
    if (id === undefined) return list(form)
    const intent = intents.get(id)
    return intent === undefined
      ? refused(invalid('resource_missing', 'intent', 404))
      : told(intent, form)
  }

  function disputesOf(intentId: string): Answer {
    const amount = intents.get(intentId)?.disputed ?? 0
    const data = amount === 0 ? [] : [{ id: 'dp_1', object: 'dispute', amount, status: 'lost' }]
    return { status: 200, body: { object: 'list', data, has_more: false } }
  }

  function list(form: Form): Answer {
    const { gte = '0', lt = String(Number.MAX_SAFE_INTEGER) } = wordsOf(form, 'created')
    const all = [...intents.values()]
      .filter(({ created }) => created >= Number(gte) && created < Number(lt))
      .toReversed()
    const after = wordOf(form, 'starting_after')
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
    const limit = Number(wordOf(form, 'limit') ?? 10)
    return listed('list', all.slice(from, from + limit), all.length > from + limit, form)
  }

  function search(form: Form): Answer {
    const [, wanted] = /^metadata\['payment'\]:'(\w+)'$/.exec(wordOf(form, 'query') ?? '') ?? []
    const found = [...intents.values()].filter(({ metadata }) => metadata['payment'] === wanted)
    return listed('search_result', found.toReversed().slice(0, 100), found.length > 100, form)
  }

  function listed(object: string, some: readonly Intent[], hasMore: boolean, form: Form): Answer {
    const expand = new Set(listOf(form, 'expand').map((each) => each.replace(/^data\./, '')))
    const data = some.map((intent) => shown(intent, expand, now()))
    return { status: 200, body: { object, data, has_more: hasMore, url: '/v1/payment_intents' } }
  }

  // ── Keys ───────────────────────────────────────────────────────────────────────────────────────

  /** Under a key a request is carried out once; its answer is kept, errors too. */
  async function carryOutOnce(
    request: Request,
    fault: Fault | null,
  ): Promise<{ answer: Answer; replayed: boolean }> {
    const { key, raw, path } = request
    const kept = key === null ? undefined : keys.get(key)
    const print = createHash('sha256')
      .update(`${path.join('/')}\n${raw}`)
      .digest('hex')
    if (key !== null && kept !== undefined && now() - kept.at < keyWindowSeconds) {
      if (kept.print !== print) return { answer: refused(mismatch), replayed: false }
      if (kept.answer === null) return { answer: refused(inUse), replayed: false }
      return { answer: kept.answer, replayed: true }
    }
    const mine: Kept = { print, at: now(), answer: null }
    if (key !== null) keys.set(key, mine)
    if (fault === 'slow') await sleep(slowMs)
    const isStored = fault === '500_then_done' || fault === '500_then_not'
    if (fault === '500_then_not') mine.answer = refused(broken)
    else {
      const done = act(request)
      mine.answer = isStored ? refused(broken) : done
    }
    return { answer: mine.answer, replayed: false }
  }

  // ── The wire ───────────────────────────────────────────────────────────────────────────────────

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await requestOf(incoming)
    requests += 1
    const fault = request === null ? null : takeFault(request)
    const tell = ({ status, body }: Answer, more: Record<string, string> = {}): void => {
      const headers = {
        'content-type': 'application/json',
        'request-id': `req_${requests}`,
        ...more,
      }
      response.writeHead(status, headers).end(JSON.stringify(body))
    }
    if (incoming.headers.authorization !== `Bearer ${apiKey}`) return tell(refused(unknownKey))
    if (request === null) return tell(refused(invalid('url_invalid', undefined, 404)))
    if (fault === 'reset_before') return void response.socket?.resetAndDestroy()
    if (fault === '504_before') return void response.writeHead(504).end('<html>504</html>')
    if (fault === '429') return tell(refused(tooMany('rate_limit')), { 'retry-after': '1' })
    if (fault === 'lock_timeout') return tell(refused(tooMany('lock_timeout')))
    if (request.method === 'GET') return tell(read(request))
    const { answer: made, replayed } = await carryOutOnce(request, fault)
    if (fault === 'reset_after') return void response.socket?.resetAndDestroy()
    if (fault === '504_after') return void response.writeHead(504).end('<html>504</html>')
    const shownBody = fault === 'wrong_amount' ? { ...made.body, amount: 1 } : made.body
    tell(
      { status: made.status, body: shownBody },
      {
        ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
        ...(fault === 'retry_a_decline' ? { 'stripe-should-retry': 'true' } : {}),
      },
    )
  }

  function takeFault({ asked, raw }: Request): Fault | null {
    const place = faults.findIndex(({ what, about }) => what === asked && raw.includes(about))
    return place < 0 ? null : (faults.splice(place, 1)[0]?.fault ?? null)
  }

  const server = createServer((incoming, response) => {
    void answer(incoming, response).catch(() => response.socket?.resetAndDestroy())
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listening TCP server has an address of this kind.
  const { port } = server.address() as AddressInfo
  return Object.freeze({
    url: `http://127.0.0.1:${port}`,
    intents,
    plant,
    inject: (fault: Fault, what: Asked, about = '') => void faults.push({ fault, what, about }),
    passes: (seconds: number) => {
      ahead += seconds
    },
    event: (objectId: string) => {
      const intent = intents.get(objectId)
      const object = intent === undefined ? null : shown(intent, new Set(), now())
      const type = 'payment_intent.amount_capturable_updated'
      const body = JSON.stringify({ id: idOf('evt'), object: 'event', type, data: { object } })
      const seconds = Math.floor(Date.now() / 1_000)
      const signature = createHmac('sha256', webhookSecret)
        .update(`${seconds}.${body}`)
        .digest('hex')
      return { body, headers: { 'stripe-signature': `t=${seconds},v1=${signature}` } }
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  } satisfies StandIn)
}

const acts: ReadonlySet<string> = new Set(['confirm', 'capture', 'cancel'])

async function requestOf(incoming: IncomingMessage): Promise<Request | null> {
  const { method = '', headers } = incoming
  const url = new URL(incoming.url ?? '/', 'http://stand-in')
  const body = await text(incoming)
  const path = url.pathname.split('/').filter((part) => part !== '')
  const key = headers['idempotency-key']
  const [version, room, , act] = path
  if (version !== 'v1') return null
  const common = { method, path, raw: body, key: typeof key === 'string' ? key : null }
  if (method === 'GET')
    return { ...common, asked: 'read', raw: url.search, form: readForm(url.search.slice(1)) }
  const asked =
    room === 'refunds'
      ? 'refund'
      : room !== 'payment_intents'
        ? null
        : path.length === 2
          ? 'create'
          : act !== undefined && acts.has(act)
            ? (act as Asked) // the set holds these three
            : null
  return asked === null ? null : { ...common, asked, form: readForm(body) }
}

const refused = ({ status, error }: Refusal): Answer => ({ status, body: { error } })

const mismatch: Refusal = {
  status: 400,
  error: {
    type: 'idempotency_error',
    message: 'Keys for idempotent requests can only be used with the same parameters.',
  },
}
const inUse: Refusal = {
  status: 409,
  error: { type: 'idempotency_error', code: 'idempotency_key_in_use' },
}
const broken: Refusal = {
  status: 500,
  error: { type: 'api_error', message: 'An unknown error occurred' },
}
const unknownKey: Refusal = {
  status: 401,
  error: { type: 'invalid_request_error', message: 'Invalid API Key provided' },
}
const tooMany = (code: string): Refusal => ({
  status: 429,
  error: { type: 'invalid_request_error', code },
})
