// Alerts on one machine: the sinks that the settings name, the relay that reads events for them, and
// the loop that looks at everything.
import { createLogSink } from '../alerts/log.ts'
import { openWebhookSink } from '../alerts/webhook/webhook.ts'
import type { WebhookSink } from '../alerts/webhook/webhook.ts'
import { ConfigError } from '../config.ts'
import type { Config } from '../config.ts'
import type { Counts, Watched } from '../engine/alert-conditions.ts'
import { alertPublisher, createAlertPublisher } from '../engine/alert-events.ts'
import { createAlerts } from '../engine/alerts.ts'
import { relay } from '../engine/relay.ts'
import type { Engine } from '../engine/engine.ts'
import type { LogEntry } from '../engine/log.ts'
import { systemClock } from '../engine/system.ts'
import type { Publisher, Sink } from '../ports.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'

export interface AlertService {
  readonly alarm: Engine['alarm']
  readonly start: (engine: Engine) => Repeating
}

export interface AlertServiceOptions {
  readonly log: (entry: LogEntry) => void
  readonly counts: Counts
  readonly publishers: readonly Publisher[]
  /** Besides those that the settings name. */
  readonly sinks?: readonly Sink[]
  readonly more?: Watched['more']
}

/** Two looks and a delivery fit into the five seconds in which somebody is to hear of it. */
const lookEveryMs = 2_000
const pageSize = 500
const readEveryMs = 200
/** What a sink has not taken by then is told at the next start. */
const stopWithinMs = 2_000

export function openAlerts(config: Config, options: AlertServiceOptions): AlertService {
  const { log, counts, publishers, sinks = [], more } = options
  const webhook = openWebhook(config)
  const alerts = createAlerts({
    sinks: [createLogSink(log), ...(webhook === null ? [] : [webhook]), ...sinks],
    runbookUrl: config.alertRunbookUrl,
    counts,
    publishers: [...publishers.map(({ name }) => name), alertPublisher],
    unknownAfterMs: config.unknownAlertMinutes * 60_000,
    ...(more === undefined ? {} : { more }),
  })
  return Object.freeze({
    alarm: alerts.alarm,
    start(engine: Engine) {
      const reading = startReading(engine)
      const looking = repeat(async () => {
        await alerts.look(engine)
        return 0
      }, lookEveryMs)
      return Object.freeze({
        async stop() {
          await Promise.all([reading.stop(), looking.stop()])
          const over = new AbortController()
          await Promise.race([alerts.settled(), engine.clock.sleep(stopWithinMs, over.signal)])
          over.abort()
          await webhook?.close()
        },
      })
    },
  })
}

/** A page at a time and not one event at a time: nobody is in a hurry by less than this. */
function startReading(engine: Engine): Repeating {
  const publisher = createAlertPublisher(engine)
  return repeat(async () => {
    const { delivered } = await relay(engine, publisher, pageSize)
    return delivered < pageSize ? 0 : delivered
  }, readEveryMs)
}

function openWebhook({ alertWebhook }: Config): WebhookSink | null {
  if (alertWebhook === null) return null
  try {
    return openWebhookSink({ ...alertWebhook, clock: systemClock })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ConfigError(`QUITTANCE_ALERT_WEBHOOK_URL and _SECRET: ${why}`)
  }
}
