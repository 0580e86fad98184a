// Every metric that we make ourselves, by name. Each stands in docs/reference/metrics.md, in this
// order; a test compares. Labels come from closed lists: states, codes, kinds, configured names.
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'

/** Around what a card processor takes, up to the default call timeout and past it. */
const callSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30]

/** From a fast card to a payment that a person had to look at. */
const paymentSeconds = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 14_400, 86_400]

/** A slot further away than the last of these is not waited for. */
const slotSeconds = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5]

export type Instruments = ReturnType<typeof createInstruments>

export function createInstruments(registry: Registry) {
  const registers = [registry]
  return Object.freeze({
    ...createGauges(registers),
    ...createNewsGauges(registers),
    ...createHistograms(registers),
    ...createCounters(registers),
  })
}

function createGauges(registers: Registry[]) {
  return {
    payments: new Gauge({
      name: 'quittance_payments',
      help: 'Payments by state.',
      labelNames: ['state'] as const,
      registers,
    }),
    held: new Gauge({
      name: 'quittance_held_payments',
      help: 'Payments that a hold other than a dead letter keeps from moving, by its reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    deadLetters: new Gauge({
      name: 'quittance_dead_letters',
      help: 'Payments that were parked and wait for a person.',
      registers,
    }),
    unknown: new Gauge({
      name: 'quittance_unknown_payments',
      help: 'Payments with a send of which it is not known whether it took effect.',
      registers,
    }),
    unknownOldest: new Gauge({
      name: 'quittance_unknown_oldest_seconds',
      help: 'Age of the oldest send of which it is not known whether it took effect; 0 if none.',
      registers,
    }),
    dueOldest: new Gauge({
      name: 'quittance_due_oldest_seconds',
      help: 'How long the longest overdue payment waits for its next step; 0 if none is due.',
      registers,
    }),
    outboxLag: new Gauge({
      name: 'quittance_outbox_lag_seconds',
      help: 'Age of the oldest event that a publisher has not taken; 0 if it has them all.',
      labelNames: ['publisher'] as const,
      registers,
    }),
    breaker: new Gauge({
      name: 'quittance_breaker_state',
      help: 'Circuit breaker of a processor: 1 for the state it is in, 0 for the others.',
      labelNames: ['processor', 'state'] as const,
      registers,
    }),
    storeReadable: new Gauge({
      name: 'quittance_store_readable',
      help: '1 if the store answered this scrape; if 0, the ages above and the breakers are left out.',
      registers,
    }),
  }
}

/** What became of news further on. */
function createNewsGauges(registers: Registry[]) {
  return {
    eventsAside: new Gauge({
      name: 'quittance_events_put_aside',
      help: 'Events that a publisher would not take while it took others.',
      labelNames: ['publisher'] as const,
      registers,
    }),
    webhooksPending: new Gauge({
      name: 'quittance_webhook_deliveries_pending',
      help: 'Deliveries of webhooks that have not been taken yet.',
      registers,
    }),
    webhooksOldest: new Gauge({
      name: 'quittance_webhook_oldest_seconds',
      help: 'Age of the oldest delivery of a webhook that has not been taken; 0 if there is none.',
      registers,
    }),
    webhooksDead: new Gauge({
      name: 'quittance_webhook_dead_letters',
      help: 'Deliveries of webhooks that were given up.',
      registers,
    }),
  }
}

function createHistograms(registers: Registry[]) {
  return {
    calls: new Histogram({
      name: 'quittance_processor_call_seconds',
      help: 'Calls to a processor, by operation and by what came of them.',
      labelNames: ['processor', 'operation', 'outcome'] as const,
      buckets: callSeconds,
      registers,
    }),
    slotWaits: new Histogram({
      name: 'quittance_slot_wait_seconds',
      help: 'How long calls waited for their slot in the rate limit of a processor.',
      labelNames: ['processor'] as const,
      buckets: slotSeconds,
      registers,
    }),
    paymentSeconds: new Histogram({
      name: 'quittance_payment_seconds',
      help: 'From the claim of a payment to each state that it came to.',
      labelNames: ['state'] as const,
      buckets: paymentSeconds,
      registers,
    }),
  }
}

function createCounters(registers: Registry[]) {
  return {
    events: new Counter({
      name: 'quittance_events_total',
      help: 'Events committed, by type; `claimed` counts new payments.',
      labelNames: ['type'] as const,
      registers,
    }),
    rejections: new Counter({
      name: 'quittance_rejections_total',
      help: 'Requests refused, by the code that they were told.',
      labelNames: ['code'] as const,
      registers,
    }),
    doorRefusals: new Counter({
      name: 'quittance_door_refusals_total',
      help: 'Requests turned away by a limit of the door.',
      registers,
    }),
    alarms: new Counter({
      name: 'quittance_alarms_total',
      help: 'Alarms raised, by kind.',
      labelNames: ['kind'] as const,
      registers,
    }),
  }
}
