// Events on their way to the one webhook that is set. Nothing here blocks a request, and nothing on
// its way is kept over a restart: a processor's webhooks get lost, and whoever trusts them alone is
// to notice.
import { createHmac } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { presentCharge, time } from './answers.ts'
import type { FaultKind } from './faults.ts'
import type { Ids } from './ids.ts'
import type { Ledger } from './ledger.ts'
import type { SimulatorSettings } from './options.ts'
import type { Told } from './perform.ts'

export interface Webhook {
  readonly url: string
  readonly secret: string
}

export interface Webhooks {
  /** Durable; `null` switches it off. */
  set(webhook: Webhook | null): void
  /** Takes events on and returns at once. */
  send(told: readonly Told[], fault: FaultKind | null, nowMs: number): void
  stats(): Readonly<Record<'delivered' | 'failed' | 'dropped' | 'waiting', number>>
  close(): void
}

/** Events that wait or are on their way; above it new ones are dropped. */
const maxWaiting = 10_000
const maxAtOnce = 8
const maxRepeats = 3
const timeoutMs = 5_000

export function openWebhooks(ledger: Ledger, settings: SimulatorSettings, ids: Ids): Webhooks {
  let webhook = stored(ledger)
  const stats = { delivered: 0, failed: 0, dropped: 0, waiting: 0 }
  const line = openLine(async (body, signal) => {
    if (webhook === null) return
    const delivered = await deliver(webhook, body, settings, signal)
    stats[delivered ? 'delivered' : 'failed'] += 1
  })

  const take = (body: string, delayMs: number): void => {
    const taken = line.take(body, delayMs)
    if (!taken) stats.dropped += 1
  }

  return Object.freeze({
    set: (next) => {
      webhook = next
      ledger.putSetting('webhook', JSON.stringify(next))
    },
    send: (told, fault, nowMs) => {
      if (webhook === null || told.length === 0) return
      if (fault === 'drop_webhook') {
        stats.dropped += told.length
        return
      }
      const delayMs = fault === 'delay_webhook' ? settings.webhookDelayMs : 0
      for (const each of told) {
        const body = eventBody(each, ids, nowMs)
        take(body, delayMs)
        if (fault === 'duplicate_webhook') take(body, delayMs)
      }
    },
    stats: () => ({ ...stats, waiting: line.length() }),
    close: line.close,
  } satisfies Webhooks)
}

/** Only this machine: a simulator is no tool to send requests to others with. */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return (
    protocol === 'http:' &&
    (hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname))
  )
}

function signature(secret: string, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},v1=${mac}`
}

interface Line {
  /** `false`: the line is full. */
  take(body: string, delayMs: number): boolean
  length(): number
  close(): void
}

/** Works off bodies, a few at once, in no promised order. */
function openLine(work: (body: string, closing: AbortSignal) => Promise<void>): Line {
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const ready: string[] = []
  let length = 0
  let working = 0

  const pump = async (): Promise<void> => {
    if (working >= maxAtOnce) return
    working += 1
    for (let body = ready.shift(); body !== undefined; body = ready.shift()) {
      // What closing interrupts is lost, and may be.
      await work(body, closing.signal).catch(() => undefined)
      length -= 1
    }
    working -= 1
  }
  const join = (body: string): void => {
    ready.push(body)
    void pump()
  }

  return Object.freeze({
    take: (body: string, delayMs: number) => {
      if (length >= maxWaiting || closing.signal.aborted) return false
      length += 1
      if (delayMs === 0) join(body)
      else
        sleep(delayMs, undefined, { signal: closing.signal }).then(
          () => join(body),
          () => undefined,
        )
      return true
    },
    length: () => length,
    close: () => {
      ready.length = 0
      closing.abort()
    },
  })
}

async function deliver(
  webhook: Webhook,
  body: string,
  settings: SimulatorSettings,
  closing: AbortSignal,
): Promise<boolean> {
  for (let repeat = 0; ; repeat += 1) {
    const headers = {
      'content-type': 'application/json',
      'simulated-signature': signature(webhook.secret, body, settings.nowMs()),
    }
    if (await post(webhook.url, headers, body, closing)) return true
    if (repeat === maxRepeats) return false
    await sleep(settings.webhookRetryMs * 4 ** repeat, undefined, { signal: closing })
  }
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  closing: AbortSignal,
): Promise<boolean> {
  try {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)])
    const init = { method: 'POST', headers, body, signal, redirect: 'manual' } as const
    const response = await fetch(url, init)
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

function eventBody({ type, charge }: Told, ids: Ids, nowMs: number): string {
  const id = ids.next('whe', nowMs)
  return JSON.stringify({ id, type, created_at: time(nowMs), charge: presentCharge(charge) })
}

function stored(ledger: Ledger): Webhook | null {
  // Only `set` writes this setting.
  return JSON.parse(ledger.setting('webhook') ?? 'null') as Webhook | null
}
