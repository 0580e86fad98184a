// Lambda: new event items of the table's stream, a batch of one shard at a time.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

import { systemClock } from '../engine/system.ts'
import { readEventItem } from '../stores/dynamodb/event-items.ts'
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
    delivered: rememberDelivered(),
  }
}

export async function handler(event: StreamEvent): Promise<BatchResponse> {
  relaying ??= open()
  return relayBatch(relaying, event)
}

/**
 * A stream is given back from the first failure on, so that the one with the lowest number is told. A
 * record that cannot be read is left to be put aside, and keeps nobody else waiting for longer than that.
 */
export async function relayBatch(
  relay: Relaying,
  { Records }: StreamEvent,
): Promise<BatchResponse> {
  const read = Records.map((record, place) => ({ place, item: itemOf(record) }))
  const groups = Map.groupBy(read, ({ item }) => (item === 'unreadable' ? null : item?.paymentId))
  const lost: number[] = []
  for (const [paymentId, own] of groups) {
    const items = own.flatMap(({ item }) => (item === null || item === 'unreadable' ? [] : [item]))
    const isUnreadable = paymentId === null
    const isDelivered = isUnreadable
      ? false
      : await relayPayment(relay, items).catch((error: unknown) => {
          logLine()({
            level: 'error',
            kind: 'relay_failed',
            payment_id: paymentId ?? null,
            detail: String(error),
          })
          return false
        })
    if (!isDelivered) lost.push(...own.map(({ place }) => place))
  }
  const first = Records[Math.min(...lost)]?.dynamodb?.SequenceNumber
  return failed(first === undefined ? [] : [first])
}

function itemOf(record: StreamEvent['Records'][number]) {
  const image = record.dynamodb?.NewImage
  try {
    return image === undefined ? null : readEventItem(image)
  } catch {
    return 'unreadable' as const
  }
}
