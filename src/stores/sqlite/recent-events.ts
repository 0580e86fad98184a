// The newest events, as they were committed by this process. Every publisher reads each event within a
// moment of its commit, and the books read a payment's history with it: without this each of them would
// have the file asked and the text parsed anew. What is older is read from the file.
import type { PaymentEvent } from '../../core/payment.ts'
import { decode } from '../json.ts'
import { frozen } from './frozen.ts'
import type { Step } from './steps.ts'

export interface RecentEvent {
  readonly position: number
  readonly event: PaymentEvent
}

export interface RecentEvents {
  /** Events of a durable write, with the positions that the file gave them. */
  follow(steps: readonly Step[], positions: readonly number[]): void
  /** At most `limit` after a position; `null`: the file has to be asked. */
  after(position: number, limit: number): readonly RecentEvent[] | null
  /** The events of a payment after a number; `null`: the file has to be asked. */
  of(paymentId: string, afterSeq: number, limit: number): readonly PaymentEvent[] | null
  /** Nothing after this position is in the file yet. */
  begin(position: number): void
  /** A group failed: what is in the file has to be asked for. */
  clear(): void
  readonly isKnown: () => boolean
}

interface Entry {
  readonly position: number
  readonly paymentId: string
  text: string | null
  event: PaymentEvent | null
}

/** About a second of full load, and some 10 MiB. */
const maxEvents = 8_192

export function openRecentEvents(max = maxEvents): RecentEvents {
  // In order of position; the first of them is at `start` of the list, so that dropping one is cheap.
  let entries: Entry[] = []
  let start = 0
  const byPayment = new Map<string, Entry[]>()
  /** All events after it are here. */
  let floor: number | null = null

  const eventOf = (entry: Entry): PaymentEvent => {
    if (entry.event !== null) return entry.event
    entry.event = frozen(decode<PaymentEvent>(entry.text ?? ''))
    entry.text = null
    return entry.event
  }

  const dropOldest = (): void => {
    const oldest = entries[start]
    if (oldest === undefined) return
    start += 1
    floor = oldest.position
    const own = byPayment.get(oldest.paymentId)
    // What is left of a payment's history without its beginning is of no use.
    if (own?.[0] === oldest) byPayment.delete(oldest.paymentId)
    if (start < max) return
    entries = entries.slice(start)
    start = 0
  }

  const add = (entry: Entry, seq: number): void => {
    entries.push(entry)
    const own = byPayment.get(entry.paymentId)
    if (seq === 1) byPayment.set(entry.paymentId, [entry])
    else if (own?.length === seq - 1) own.push(entry)
    else byPayment.delete(entry.paymentId)
    if (entries.length - start > max) dropOldest()
  }

  return {
    follow(steps, positions) {
      if (floor === null) return
      let index = 0
      for (const { table, values } of steps) {
        const position = positions[index]
        if (table !== 'event' || position === undefined) continue
        index += 1
        // As `steps.ts` makes the values of an event.
        const [paymentId, seq, , text] = values as readonly [string, number, string, string]
        add({ position, paymentId, text, event: null }, seq)
      }
    },
    after(position, limit) {
      if (floor === null || position < floor) return null
      let [low, high] = [start, entries.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if ((entries[middle]?.position ?? 0) > position) high = middle
        else low = middle + 1
      }
      return entries
        .slice(low, low + limit)
        .map((entry) => ({ position: entry.position, event: eventOf(entry) }))
    },
    of(paymentId, afterSeq, limit) {
      const own = byPayment.get(paymentId)
      return own === undefined ? null : own.slice(afterSeq, afterSeq + limit).map(eventOf)
    },
    begin(position) {
      floor = position
    },
    clear() {
      entries = []
      start = 0
      byPayment.clear()
      floor = null
    },
    isKnown: () => floor !== null,
  }
}
