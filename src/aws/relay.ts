// Lambda: new event items of the table's stream, a batch of one shard at a time.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

import { systemClock } from '../engine/system.ts'
import { readEventItem } from '../stores/dynamodb/event-items.ts'
import type { EventItem } from '../stores/dynamodb/event-items.ts'
import { openDynamoStore } from '../stores/dynamodb/store.ts'
import { openBus } from './bus.ts'
import { failed } from './lambda.ts'
import type { BatchResponse } from './lambda.ts'
import { logLine } from './metrics.ts'
import { relayPayment, rememberDelivered } from './relays.ts'
import type { Relaying } from './relays.ts'
import { readSettings } from './settings.ts'
import { openWorkQueue } from './work.ts'

export interface StreamEvent {
  readonly Records: readonly {
    readonly dynamodb?: {
      readonly SequenceNumber?: string
      readonly NewImage?: Readonly<Record<string, AttributeValue>>
    }
  }[]
}

let relaying: Relaying | null = null

function open(): Relaying {
  const settings = readSettings()
  return {
    bus: openBus(settings.text('BUS')),
    queue: openWorkQueue(settings.text('WORK_QUEUE_URL')),
    table: openDynamoStore({ table: settings.text('TABLE') }),
    nowMs: systemClock.nowMs,
    log: logLine(),
    delivered: rememberDelivered(),
  }
}

export async function handler(event: StreamEvent): Promise<BatchResponse> {
  relaying ??= open()
  return relayBatch(relaying, event)
}

/** Payments of a batch that are on their way at once: they know nothing of each other. */
const mostAtOnce = 10

/**
 * A stream is given back from the first failure on, so that the one with the lowest number is told. A
 * record that cannot be read will never be: it is told of and left, without a mark.
 */
export async function relayBatch(
  relay: Relaying,
  { Records }: StreamEvent,
): Promise<BatchResponse> {
  const read = Records.flatMap((record, place) => {
    const item = itemOf(relay, record)
    return item === null ? [] : [{ place, item }]
  })
  const groups = [...Map.groupBy(read, ({ item }) => item.paymentId)]
  const lost: number[] = []
  for (let from = 0; from < groups.length; from += mostAtOnce) {
    const page = groups.slice(from, from + mostAtOnce)
    const delivered = await Promise.all(
      page.map(([paymentId, own]) =>
        relayPayment(
          relay,
          own.map(({ item }) => item),
        ).catch((error: unknown) => {
          const detail = String(error)
          relay.log({ level: 'error', kind: 'relay_failed', payment_id: paymentId, detail })
          return false
        }),
      ),
    )
    for (const [index, [, own]] of page.entries()) {
      if (delivered[index] !== true) lost.push(...own.map(({ place }) => place))
    }
  }
  const first = Records[Math.min(...lost)]?.dynamodb?.SequenceNumber
  if (first === undefined && lost.length > 0) throw new Error('a record has no number')
  return failed(first === undefined ? [] : [first])
}

function itemOf(relay: Relaying, record: StreamEvent['Records'][number]): EventItem | null {
  const image = record.dynamodb?.NewImage
  try {
    return image === undefined ? null : readEventItem(image)
  } catch (error) {
    const number = record.dynamodb?.SequenceNumber ?? ''
    relay.log({ level: 'error', kind: 'record_unreadable', number, detail: String(error) })
    return null
  }
}
