// The feed as server-sent events. A connection holds one page at most: the next one is read when the
// client has taken it. There are only so many, each for so long; a client that was cut off goes on from
// the last id that it saw.
import type { Feed, FeedEntry } from '../delivery-ports.ts'

export interface Streams {
  /** A place for one more; `null`: there are as many as there may be. Call what it gives when it is over. */
  readonly take: (caller: string) => (() => void) | null
}

export interface StreamLimits {
  readonly most: number
  /** Of one agent, or of all operators together. */
  readonly mostOfOne: number
}

/** Each holds a socket and a page; the door has room for forty times as many connections. */
const defaultLimits: StreamLimits = { most: 100, mostOfOne: 20 }

export function createStreams({ most, mostOfOne }: StreamLimits = defaultLimits): Streams {
  const open = new Map<string, number>()
  let all = 0
  return Object.freeze<Streams>({
    take(caller) {
      const own = open.get(caller) ?? 0
      if (all >= most || own >= mostOfOne) return null
      all += 1
      open.set(caller, own + 1)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        all -= 1
        const left = (open.get(caller) ?? 1) - 1
        if (left === 0) open.delete(caller)
        else open.set(caller, left)
      }
    },
  })
}

export interface StreamOptions {
  readonly feed: Feed
  readonly account: string | null
  readonly after: string
  /** One entry as text. */
  readonly show: (entry: FeedEntry) => string
  /** The client or the service has gone. */
  readonly gone: AbortSignal
  readonly onEnd: () => void
  readonly heartbeatMs?: number
  readonly lifetimeMs?: number
}

const pageSize = 100
/** Proxies let go of a connection on which nothing moves, most of them after a minute. */
const defaultHeartbeatMs = 15_000
/** Who may read is asked anew with each connection: a token that was taken away ends with its stream. */
const defaultLifetimeMs = 30 * 60_000
/** How soon a client comes back. */
const retryMs = 2_000

export function openStream(options: StreamOptions): ReadableStream<Uint8Array> {
  const { heartbeatMs = defaultHeartbeatMs, lifetimeMs = defaultLifetimeMs } = options
  const untilMs = performance.now() + lifetimeMs
  const cancelled = new AbortController()
  const gone = AbortSignal.any([options.gone, cancelled.signal])
  const encoder = new TextEncoder()
  let after = options.after
  let hasBegun = false

  /** What comes next; `null`: it is over. */
  const next = async (): Promise<string | null> => {
    if (!hasBegun) {
      hasBegun = true
      // An id without data: a client that is cut off now knows where it stood.
      return `retry: ${retryMs}\nid: ${after}\n\n`
    }
    const silentUntilMs = performance.now() + heartbeatMs
    for (;;) {
      const nowMs = performance.now()
      if (gone.aborted || nowMs >= untilMs) return null
      if (nowMs >= silentUntilMs) return ': nothing new\n\n'
      const page = await readOrWait(options, after, Math.min(silentUntilMs, untilMs) - nowMs, gone)
      after = page.cursor
      if (page.entries.length > 0) return page.entries.map(options.show).join('')
    }
  }

  const end = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    options.onEnd()
    try {
      controller.close()
    } catch {
      // The client has closed it already.
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // The store is away: the client comes back and goes on from where it was.
        const text = await next().catch(() => null)
        if (text === null || gone.aborted) return end(controller)
        controller.enqueue(encoder.encode(text))
      },
      cancel() {
        cancelled.abort()
        options.onEnd()
      },
    },
    { highWaterMark: 1 },
  )
}

/** A page; where it is empty, after something may have come. */
async function readOrWait(
  { feed, account }: StreamOptions,
  after: string,
  withinMs: number,
  gone: AbortSignal,
): ReturnType<Feed['read']> {
  const over = new AbortController()
  // Listens before it reads: what comes in between is not missed.
  const heard = feed.news(withinMs, AbortSignal.any([gone, over.signal]))
  try {
    const page = await feed.read({ account, after, limit: pageSize })
    if (page.entries.length === 0 && page.cursor === after) await heard
    return page
  } finally {
    over.abort()
  }
}

/** A page now, or when there is something in it, or when the time is up. */
export async function waitForPage(
  feed: Feed,
  query: Parameters<Feed['read']>[0],
  waitMs: number,
  gone: AbortSignal,
): ReturnType<Feed['read']> {
  const untilMs = performance.now() + waitMs
  for (;;) {
    const over = new AbortController()
    const leftMs = untilMs - performance.now()
    const heard = feed.news(Math.max(0, leftMs), AbortSignal.any([gone, over.signal]))
    const page = await feed.read(query).finally(() => {
      if (leftMs <= 0) over.abort()
    })
    if (page.entries.length > 0 || leftMs <= 0 || gone.aborted) {
      over.abort()
      return page
    }
    await heard
  }
}
