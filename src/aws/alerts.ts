// Lambda: events of the bus that people must hear of, told within seconds. The bus repeats and has no
// order; what was counted is known by its number.
import { createAlertPublisher } from '../engine/alert-events.ts'
import type { Context } from './lambda.ts'
import { isNews } from './news.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { readSettings } from './settings.ts'
import { describedProcessors } from './sweep.ts'
import { topicSink } from './topic.ts'

export interface BusEvent {
  readonly detail: { readonly payment_id: string; readonly seq: number }
}

/** A little longer than alerts gather what is alike. */
const gatherMs = 1_100

let opened: AwsEngine | null = null

function open(): AwsEngine {
  const settings = readSettings()
  return openEngine({
    settings,
    processors: describedProcessors(settings),
    sink: topicSink(settings),
  })
}

export async function handler(event: BusEvent, context: Context): Promise<object> {
  opened ??= open()
  return alertOf(opened, event, () => context.getRemainingTimeInMillis())
}

export async function alertOf(
  { engine, look, during }: Pick<AwsEngine, 'engine' | 'look' | 'during'>,
  { detail }: BusEvent,
  leftMs: () => number,
): Promise<object> {
  return during(leftMs, async () => {
    // The event itself is in the table, whole and as it was committed.
    const events = await engine.store.events(detail.payment_id, detail.seq - 1, 1)
    const news = events.filter((event) => event.seq === detail.seq && isNews(event))
    if (news.length === 0) return {}
    await createAlertPublisher(engine).publish(news)
    await engine.clock.sleep(gatherMs)
    await look()
    return {}
  })
}
