// One suite for every processor adapter: each promise of the port as a sentence, proved over a real
// socket, with a wire in between that can do what networks do.
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Outcome, Signal } from '../../core/outcome.ts'
import type { Answer, Call, Processor } from '../../ports.ts'
import { evidencePromises } from './evidence-promises.ts'
import { lookUpPromises } from './look-up-promises.ts'
import { moneyPromises } from './money-promises.ts'
import { recordPromises } from './record-promises.ts'
import { webhookPromises } from './webhook-promises.ts'
import { openWire } from './wire.ts'
import type { Wire } from './wire.ts'
import { wirePromises } from './wire-promises.ts'

/** Signals that need the processor's own word; the others are made by the wire. */
export type SpokenSignal = Exclude<
  Signal,
  'not_sent' | 'connection_lost' | 'gateway_error' | 'unreadable' | 'unlisted'
>

/** What the processor's own books show of one object. */
export interface Booked {
  readonly objectId: string
  readonly isAuthorised: boolean
  /** How often money was taken from it, counted from movements. */
  readonly captures: number
  readonly amountCaptured: number
  readonly amountRefunded: number
}

/** A processor to judge its adapter by, and what can be done to it. */
export interface World {
  readonly origin: string
  /** The adapter, made anew, that calls `url` in place of `origin`. */
  open(url: string): Promise<Processor>
  /** The header that carries the key, in lower case. */
  readonly keyHeader: string
  /** None of these may stand in evidence. */
  readonly secrets: readonly string[]
  /** Makes the processor say it, and tells what was asked. */
  readonly provoke: Readonly<Record<SpokenSignal, (bench: Bench) => Promise<Provoked>>>
  booked(paymentId: string): Promise<readonly Booked[]>
  /** Another object of the payment, made past the adapter: `captured` took money, `dead` never will. */
  plant(paymentId: string, state: 'captured' | 'dead'): Promise<string>
  /** Until what is made next has another time of making. */
  pause(): Promise<void>
  /** A message about an object as the processor would send it. */
  webhook(objectId: string): Promise<SentWebhook>
  close(): Promise<void>
}

export interface Provoked {
  readonly call: Call
  readonly answer: Answer
  readonly outcome: Outcome
}

export interface SentWebhook {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly sentAtMs: number
}

export interface Bench {
  readonly world: World
  readonly wire: Wire
  /** Reaches the world over the wire. */
  readonly processor: Processor
}

/** Sentences that an adapter keeps, each with its proof on a fresh world. A skip has a reason. */
export type Promises = Readonly<Record<string, (bench: Bench, t: TestContext) => Promise<void>>>

export function processorContract(name: string, startWorld: () => Promise<World>): void {
  const promises = {
    ...wirePromises,
    ...moneyPromises,
    ...lookUpPromises,
    ...evidencePromises,
    ...webhookPromises,
    ...recordPromises,
  }
  for (const [sentence, prove] of Object.entries(promises)) {
    test(`${name}: ${sentence}`, async (t) => {
      const world = await startWorld()
      t.after(() => world.close())
      const wire = await openWire(world.origin)
      t.after(() => wire.close())
      const processor = await world.open(wire.url)
      t.after(() => processor.close())
      wire.received.length = 0
      await prove({ world, wire, processor }, t)
    })
  }
}
