// Events on their way out: each as one entry of the bus, at least once, in order for each payment.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge'

import type { PaymentEvent } from '../core/payment.ts'
import { toEventJson } from '../http/events.ts'
import { logLine } from './metrics.ts'
import { drives } from './work.ts'

/** Source of every event of ours. */
const source = 'quittance'

/** Entries of one request, and their bytes together. */
const mostEntries = 10
const mostBytes = 250_000

export interface Outgoing {
  readonly event: PaymentEvent
  /** The event before it, of the same payment; 0: none. */
  readonly prevSeq: number
  readonly agent: string | null
  readonly account: string | null
  readonly drive: boolean
}

/** Events of one payment, with what whoever listens wants to know of it. */
export function outgoingOf(
  events: readonly PaymentEvent[],
  about: { readonly agent: string; readonly account: string } | null,
): readonly Outgoing[] {
  return events.map((event) => ({
    event,
    prevSeq: event.seq - 1,
    agent: about?.agent ?? null,
    account: about?.account ?? null,
    drive: drives(event),
  }))
}

export interface Bus {
  /** Which of them the bus has taken, in their order. */
  readonly put: (outgoing: readonly Outgoing[]) => Promise<readonly boolean[]>
}

export function openBus(
  name: string,
  client: Pick<EventBridgeClient, 'send'> = new EventBridgeClient({}),
): Bus {
  return Object.freeze<Bus>({
    async put(outgoing) {
      const taken: boolean[] = []
      for (const entries of pagesOf(outgoing.map((each) => entryOf(name, each)))) {
        taken.push(...(await putPage(client, entries)))
      }
      return taken
    },
  })
}

async function putPage(
  client: Pick<EventBridgeClient, 'send'>,
  entries: readonly PutEventsRequestEntry[],
): Promise<readonly boolean[]> {
  try {
    // 200 says nothing about the entries: each has its own answer.
    const { Entries } = await client.send(new PutEventsCommand({ Entries: [...entries] }))
    return entries.map((_, place) => Entries?.[place]?.EventId !== undefined)
  } catch (error) {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    logLine()({ level: 'warn', kind: 'bus_refused', detail })
    return entries.map(() => false)
  }
}

function entryOf(bus: string, outgoing: Outgoing): PutEventsRequestEntry {
  const { event, prevSeq, agent, account, drive } = outgoing
  const detail = { ...toEventJson(event), prev_seq: prevSeq, agent, account, drive }
  return {
    EventBusName: bus,
    Source: source,
    DetailType: `payment.${event.type}`,
    Time: new Date(event.atMs),
    Detail: JSON.stringify(detail),
  }
}

function pagesOf(entries: readonly PutEventsRequestEntry[]): PutEventsRequestEntry[][] {
  const pages: PutEventsRequestEntry[][] = []
  let bytes = Infinity
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.Detail ?? '') + 200
    const last = pages.at(-1)
    if (last === undefined || last.length >= mostEntries || bytes + size > mostBytes) {
      pages.push([entry])
      bytes = size
    } else {
      last.push(entry)
      bytes += size
    }
  }
  return pages
}
