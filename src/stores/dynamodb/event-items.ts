// Event items: all events of one commit for one payment. Made once, never changed, never expired. The
// stream carries them to the relay, with what it has to know of the payment beside them.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

import type { PaymentEvent } from '../../core/payment.ts'
import type { Put } from '../../ports.ts'
import { numberOf, text, textOf, whole } from './items.ts'
import type { Attributes, Item } from './items.ts'
import { pack, unpack } from './packed.ts'
import { keyOf } from './places.ts'
import { eventKeyPrefix } from './table.ts'

/**
 * So long after a commit somebody looks whether its events were delivered. The stream takes a second;
 * a relay that fails and is tried again takes minutes.
 */
export const redeliverAfterMs = 120_000

export interface EventItem {
  readonly paymentId: string
  /** With consecutive numbers, at least one. */
  readonly events: readonly PaymentEvent[]
  readonly prevSeq: number
  readonly throughSeq: number
  /** The payment as the same commit left it; `null` where that commit did not write it. */
  readonly about: {
    readonly agent: string
    readonly account: string
    readonly processor: string
    readonly run: number
    readonly dueAtMs: number | null
  } | null
}

export function eventAttributes(
  events: readonly PaymentEvent[],
  put: Put | null,
  commit: { readonly commitId: string; readonly nowMs: number; readonly at: number },
): Attributes {
  return {
    c: text(commit.commitId),
    z: text(orderOf(commit.nowMs, commit.at)),
    j: text(pack(withoutRepeats(events), events[0]?.paymentId)),
    ...(put?.table === 'payment' ? aboutAttributes(put.value) : {}),
  }
}

/** In place of a source that is the one of the event before. */
const sameSource = {}

// One answer often makes two events, each with the excerpt of it: kept once, they fit into one unit.
function withoutRepeats(events: readonly PaymentEvent[]): readonly unknown[] {
  return events.map((event, index) => {
    const before = JSON.stringify(sourceOf(events[index - 1]))
    const isRepeat = before !== undefined && before === JSON.stringify(sourceOf(event))
    return isRepeat ? { ...event, by: sameSource } : event
  })
}

function withRepeats(events: readonly PaymentEvent[]): readonly PaymentEvent[] {
  let source: unknown
  return events.map((event) => {
    const own = sourceOf(event)
    if (typeof own !== 'object' || own === null || Object.keys(own).length > 0) {
      source = own
      return event
    }
    // Of the same type as the one that it was taken from.
    return { ...event, by: source } as PaymentEvent
  })
}

const sourceOf = (event: PaymentEvent | undefined): unknown =>
  event !== undefined && 'by' in event ? event.by : undefined

function aboutAttributes({ payment, run, dueAtMs }: Extract<Put, { table: 'payment' }>['value']) {
  return {
    ag: text(payment.agent),
    ac: text(payment.account),
    pr: text(payment.binding.processor),
    ru: whole(run),
    ...(dueAtMs === null ? {} : { d: whole(dueAtMs) }),
  }
}

/**
 * Sorts events as they were committed, by the clocks of those who did. Only the order within a payment
 * is a promise, and that is told by their numbers.
 */
const orderOf = (nowMs: number, at: number): string =>
  `${String(nowMs).padStart(15, '0')}.${String(at).padStart(2, '0')}`

export const orderOfItem = (item: Item): string => textOf(item, 'z') ?? ''

/** When it was committed, by the clock of whoever did. */
export const committedAtMs = (item: Item): number => Number.parseInt(orderOfItem(item), 10)

/** From an item or a record of the stream; `null`: it is no event item. */
export function readEventItem(item: Readonly<Record<string, AttributeValue>>): EventItem | null {
  if (textOf(item, 'sk')?.startsWith(eventKeyPrefix) !== true) return null
  const ownId = keyOf(textOf(item, 'pk') ?? '')
  const events = withRepeats(unpack<readonly PaymentEvent[]>(textOf(item, 'j') ?? '[]', ownId))
  const [first] = events
  if (first === undefined) return null
  const agent = textOf(item, 'ag')
  return {
    paymentId: first.paymentId,
    events,
    prevSeq: first.seq - 1,
    throughSeq: first.seq - 1 + events.length,
    about:
      agent === null
        ? null
        : {
            agent,
            account: textOf(item, 'ac') ?? '',
            processor: textOf(item, 'pr') ?? '',
            run: numberOf(item, 'ru') ?? 0,
            dueAtMs: numberOf(item, 'd'),
          },
  }
}

/**
 * Who is called within so long goes on by itself; longer than an attempt is waited for before somebody
 * else takes it up (`recoverAfterMs`).
 */
const goesOnWithinMs = 60_000

/**
 * Is it worth a write to mark this item as delivered? Where the payment goes on by itself, the mark of a
 * later commit speaks for it; where it rests or waits, nobody else would.
 */
export function isWorthAMark({ about }: EventItem, nowMs: number): boolean {
  if (about === null || about.dueAtMs === null) return true
  return about.dueAtMs - nowMs >= goesOnWithinMs
}
