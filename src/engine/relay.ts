// Takes events from the outbox to a publisher: at least once, in order for each payment. Delivery
// is marked only after it happened, so that a crash in between repeats it.
import type { Publisher } from '../ports.ts'
import type { Engine } from './engine.ts'

/** Publishes one page; says how many events were delivered, or that the publisher did not take them. */
export async function relay(
  engine: Engine,
  publisher: Publisher,
  limit: number,
): Promise<{
  readonly delivered: number
  readonly result: 'empty' | 'delivered' | 'not_delivered'
}> {
  const page = await engine.store.unpublished(publisher.name, limit)
  if (page.events.length === 0) return { delivered: 0, result: 'empty' }
  const result = await publisher.publish(page.events)
  if (result === 'not_delivered') return { delivered: 0, result }
  await engine.store.acknowledge(publisher.name, page.receipt)
  return { delivered: page.events.length, result }
}
