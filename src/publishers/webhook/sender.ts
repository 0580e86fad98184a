// Sends what is due, each endpoint on a line of its own: so many at a time, so long each, and one at a
// time with growing pauses while an endpoint takes nothing. A line that hangs delays no other. What came
// of a try is durable before the next one of its payment; a crash in between repeats it.
import type { lookup as systemLookup } from 'node:dns'

import type { Delivery, Endpoint } from '../../delivery-ports.ts'
import type { LogEntry } from '../../engine/log.ts'
import { backoffMs } from '../../core/policy.ts'
import { isTaken, openPoster } from '../../outbound/post.ts'
import type { Message, Posted, Poster, Rules } from '../../outbound/post.ts'
import { readSecrets } from '../../outbound/signature.ts'
import type { Outcome, WebhookBook } from './book.ts'
import { endpointAfter, verdictOf } from './patience.ts'
import type { Patience } from './patience.ts'

export interface SenderOptions {
  readonly book: WebhookBook
  /** What a receiver is sent; `null`: the event is not there any more. Rejects while the store is away. */
  readonly render: (delivery: Delivery, endpoint: Endpoint) => Promise<Message | null>
  readonly rules: Rules
  readonly nowMs: () => number
  readonly log: (entry: LogEntry) => void
  readonly patience: Patience
  /** Of one try. */
  readonly timeoutMs: number
  readonly lookup?: typeof systemLookup
}

export interface Sender {
  /** Something may have come for this endpoint, or it was changed. */
  readonly wake: (endpointId: string) => void
  readonly stop: () => Promise<void>
}

/** Under way to one endpoint at a time. */
const atATime = 4
/** An earlier event of a payment is waited for until it has failed so often. */
const holdsUp = 3
/** A line looks again after so long even if nobody wakes it. */
const longestRestMs = 30_000
const shortestRestMs = 100
/** What is under way when the service stops is cut off after so long, and tried again. */
const stopWithinMs = 3_000

export function createSender(options: SenderOptions): Sender {
  const lines = new Map<string, Line>()
  const finish = createFinisher(options.book)
  return Object.freeze<Sender>({
    wake(endpointId) {
      const line = lines.get(endpointId) ?? createLine(endpointId, options, finish)
      lines.set(endpointId, line)
      line.wake()
    },
    async stop() {
      await Promise.all([...lines.values()].map((line) => line.stop()))
      lines.clear()
    },
  })
}

type Finish = (outcome: Outcome) => Promise<void>

/** All that end in one turn of the event loop are written together. */
function createFinisher(book: WebhookBook): Finish {
  let waiting: Outcome[] = []
  let flushed: Promise<void> | null = null
  return (outcome) => {
    waiting.push(outcome)
    flushed ??= new Promise<void>((resolve) => void setImmediate(resolve)).then(async () => {
      const outcomes = waiting
      waiting = []
      flushed = null
      await book.finish(outcomes)
    })
    return flushed
  }
}

interface Line {
  readonly wake: () => void
  readonly stop: () => Promise<void>
}

interface LineState {
  readonly underWay: Map<number, Promise<void>>
  poster: { readonly url: string; readonly poster: Poster } | null
  /** One after the other, of whatever delivery. */
  failures: number
  pausedUntilMs: number
  timer: NodeJS.Timeout | null
  isStopped: boolean
}

function createLine(endpointId: string, options: SenderOptions, finish: Finish): Line {
  const { book, nowMs } = options
  const state: LineState = {
    underWay: new Map(),
    poster: null,
    failures: 0,
    pausedUntilMs: 0,
    timer: null,
    isStopped: false,
  }
  let running: Promise<void> | null = null
  let again = false

  const look = async (): Promise<void> => {
    const endpoint = await book.endpoint(endpointId)
    if (endpoint?.status !== 'enabled') return closePoster(state)
    const room = (state.failures > 0 ? 1 : atATime) - state.underWay.size
    const pauseMs = state.pausedUntilMs - performance.now()
    if (room <= 0) return
    if (pauseMs > 0) return rest(pauseMs)
    const found = await book.due(endpointId, nowMs(), state.underWay.size + room, holdsUp)
    const fresh = found.filter(({ number }) => !state.underWay.has(number)).slice(0, room)
    for (const delivery of fresh) start(endpoint, delivery)
    if (fresh.length > 0) return
    const nextMs = await book.nextDueMs(endpointId)
    // One that is held up by an earlier event of its payment is due and yet not to be sent.
    if (nextMs !== null) rest(Math.max(nextMs - nowMs(), shortestRestMs))
  }

  const start = (endpoint: Endpoint, delivery: Delivery): void => {
    const sent = sendOne(endpoint, delivery, options, state, finish)
      .catch(() => {
        // The store or the book is away: nothing was concluded, it is tried again.
        state.pausedUntilMs = performance.now() + options.patience.endpointPace.baseMs
      })
      .finally(() => {
        state.underWay.delete(delivery.number)
        wake()
      })
    state.underWay.set(delivery.number, sent)
  }

  const rest = (forMs: number): void => {
    if (state.timer !== null) clearTimeout(state.timer)
    state.timer = setTimeout(wake, Math.min(longestRestMs, Math.max(1, forMs)))
  }

  const run = async (): Promise<void> => {
    while (again && !state.isStopped) {
      again = false
      await look().catch(() => rest(options.patience.endpointPace.baseMs))
    }
    // In the same turn in which nobody had asked again: a wake right after it begins anew.
    running = null
  }

  const wake = (): void => {
    if (state.isStopped) return
    again = true
    running ??= run()
  }

  return Object.freeze<Line>({
    wake,
    async stop() {
      state.isStopped = true
      if (state.timer !== null) clearTimeout(state.timer)
      const ended = Promise.all([running, ...state.underWay.values()])
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, stopWithinMs)
      await Promise.race([ended, late.promise])
      clearTimeout(timer)
      await closePoster(state)
      await ended
    },
  })
}

async function closePoster(state: LineState): Promise<void> {
  const open = state.poster
  state.poster = null
  await open?.poster.close()
}

function posterTo(endpoint: Endpoint, options: SenderOptions, state: LineState): Poster {
  if (state.poster?.url === endpoint.url) return state.poster.poster
  void closePoster(state)
  const { rules, timeoutMs, lookup } = options
  const more = lookup === undefined ? {} : { lookup }
  const poster = openPoster(endpoint.url, { rules, timeoutMs, connections: atATime, ...more })
  state.poster = { url: endpoint.url, poster }
  return poster
}

async function sendOne(
  endpoint: Endpoint,
  delivery: Delivery,
  options: SenderOptions,
  state: LineState,
  finish: Finish,
): Promise<void> {
  const { book, nowMs, patience } = options
  const message = await options.render(delivery, endpoint)
  const startedAtMs = nowMs()
  if (message === null) {
    const attempt = { atMs: startedAtMs, status: null, error: 'event_not_there', tookMs: 0 }
    return finish({ number: delivery.number, status: 'dead', nextAtMs: startedAtMs, attempt })
  }
  const posted = await post(endpoint, message, options, state)
  // Cut off by ourselves: it says nothing about the receiver.
  if (state.isStopped && posted.status === null) return
  pace(state, delivery, posted, options)
  const { status, error, tookMs } = posted
  const verdict = verdictOf(delivery, posted, nowMs(), patience)
  await finish({
    number: delivery.number,
    ...verdict,
    attempt: { atMs: startedAtMs, status, error, tookMs },
  })
  const after = await book.change(endpoint.id, (now) =>
    endpointAfter(now, posted, nowMs(), patience),
  )
  if (after?.status === 'disabled' && endpoint.status === 'enabled' && !isTaken(posted)) {
    const reason = after.reason ?? ''
    options.log({ level: 'warn', kind: 'webhook_endpoint_disabled', endpoint: endpoint.id, reason })
  }
}

async function post(
  endpoint: Endpoint,
  message: Message,
  options: SenderOptions,
  state: LineState,
): Promise<Posted> {
  try {
    const keys = keysOf(endpoint, options.nowMs())
    return await posterTo(endpoint, options, state).post(message, keys, options.nowMs())
  } catch (error) {
    // The rules have changed since the address was given.
    const why = error instanceof Error ? error.message : 'failed'
    return { status: null, error: why.slice(0, 200), tookMs: 0, retryAfterMs: null }
  }
}

/** The secrets that hold now, the newest first. */
function keysOf({ secrets }: Endpoint, nowMs: number): readonly Buffer[] {
  const holding = secrets.filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
  return holding.flatMap(({ secret }) => readSecrets(secret) ?? [])
}

function pace(
  state: LineState,
  { number }: Delivery,
  posted: Posted,
  { patience }: SenderOptions,
): void {
  if (isTaken(posted)) {
    state.failures = 0
    state.pausedUntilMs = 0
    return
  }
  state.failures += 1
  // One that fails may be that one's own fault; only the next one says more about the endpoint.
  if (state.failures === 1) return
  const pauseMs = backoffMs(`${number}`, state.failures - 1, patience.endpointPace)
  state.pausedUntilMs = performance.now() + pauseMs
}
