// Keeps what was published in this process: the reference publisher, and the receiver in tests.
import type { PaymentEvent } from '../core/payment.ts'
import type { Publisher } from '../ports.ts'

export interface MemoryPublisher extends Publisher {
  readonly received: readonly PaymentEvent[]
}

/** `accepts` says for each page whether the receiver takes it. */
export function createMemoryPublisher(
  name: string,
  accepts: () => boolean = () => true,
): MemoryPublisher {
  const received: PaymentEvent[] = []
  return Object.freeze({
    name,
    received,
    async publish(events: readonly PaymentEvent[]) {
      if (!accepts()) return 'not_delivered' as const
      received.push(...events)
      return 'delivered' as const
    },
  })
}
