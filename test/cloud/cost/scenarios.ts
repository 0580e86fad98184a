// What is counted: payments of one kind, from the first request to the last delivery, and what an idle
// system does each minute.
import type { Counts } from '../meter.ts'
import { until } from '../until.ts'
import type { Glance } from '../suite/people.ts'
import type { Setting } from '../suite/setting.ts'
import { openSetting } from '../suite/setting.ts'
import type { Workflow } from '../suite/synth.ts'
import { without } from './bill.ts'

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly payee: string
  readonly isOver: (row: Glance) => boolean
  readonly payments: number
  /** More share more batches; of those that go wrong more would open the breaker. */
  readonly atOnce: number
  /** Of the run's clock: above one only where the waits would be too long. */
  readonly factor: number
  /** Does the processor tell of each charge by webhook? */
  readonly webhooks?: boolean
}

const isSettled = ({ state }: Glance): boolean => state === 'settled'

export const scenarios: readonly Scenario[] = [
  {
    name: 'happy',
    title: 'paid: one POST, one GET, no wait',
    payee: 'acme',
    isOver: isSettled,
    payments: 60,
    atOnce: 10,
    factor: 1,
  },
  {
    name: 'webhooks',
    title: 'paid, and the processor sends its webhooks',
    payee: 'acme',
    isOver: isSettled,
    payments: 60,
    atOnce: 10,
    factor: 1,
    webhooks: true,
  },
  {
    name: 'decline',
    title: 'declined',
    payee: 'acct_declined',
    isOver: ({ state }) => state === 'declined',
    payments: 60,
    atOnce: 10,
    factor: 1,
  },
  {
    name: 'unknown',
    title: 'paid, with one unknown outcome (a 504 after the capture)',
    payee: 'acct_504_after_capture',
    isOver: isSettled,
    payments: 12,
    atOnce: 2,
    factor: 1,
  },
  {
    name: 'dead-letter',
    title: 'parked: the processor cannot be reached about it',
    payee: 'acct_unreachable',
    isOver: ({ holds }) => holds.includes('dead_letter'),
    payments: 2,
    atOnce: 2,
    factor: 5,
  },
]

/** Payment, key, reference, look-alikes: of one bill each. */
const ofOnePayment = /^[pkrs]#/

export interface Counted {
  readonly scenario: string
  readonly workflow: Workflow
  readonly payments: number
  /** Without what an idle system does in the same time. */
  readonly counts: Counts
  /** What all schedules together cause in a minute in which nothing is to be done. */
  readonly idleMinute: Counts
  readonly details: Readonly<Record<string, number>>
  /** The partition keys that payments share and that were written to most, in write units. */
  readonly hottest: readonly (readonly [key: string, writes: number])[]
}

export async function count(scenario: Scenario, workflow: Workflow): Promise<Counted> {
  const setting = await openSetting(workflow)
  try {
    return await countIn(setting, scenario, workflow)
  } finally {
    await setting.stop()
  }
}

async function countIn(setting: Setting, scenario: Scenario, workflow: Workflow): Promise<Counted> {
  const { world } = setting
  if (scenario.webhooks !== true) await setting.stopWebhooks()
  const isPatient = scenario.factor > 1
  world.scheduler.pause(!isPatient)
  // Functions are warm, and nothing of the beginning is counted.
  await payAll(setting, { ...scenario, payee: 'acme', isOver: isSettled, payments: 12, atOnce: 10 })
  await quiet(setting)
  const idleMinute = await idle(setting)
  world.meter.reset()
  const wakes = world.scheduler.wakes()
  await payAll(setting, scenario)
  await quiet(setting)
  const counts = world.meter.counts()
  const minutes = (world.scheduler.wakes() - wakes) / world.scheduler.count
  return {
    scenario: scenario.name,
    workflow,
    payments: scenario.payments,
    counts: without(counts, idleMinute, minutes),
    idleMinute,
    details: Object.fromEntries(world.meter.details()),
    hottest: [...world.meter.partitions()]
      .filter(([key]) => !ofOnePayment.test(key))
      .toSorted((one, other) => other[1] - one[1])
      .slice(0, 6),
  }
}

/** Each is read once, when it is over. */
async function payAll(
  setting: Setting,
  { payee, payments, atOnce, isOver }: Scenario,
): Promise<void> {
  let left = payments
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { id } = await setting.pay(setting.bill(payee))
      // A look through the door would be counted.
      const isSo = async (): Promise<boolean> => isOver(await setting.people.glance(id))
      await until(`${id} is over`, isSo, { withinMs: 3_600_000 })
      const read = await setting.agent.get(id)
      if (!read.ok) throw new Error(`${id}: ${JSON.stringify(read)}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** Until nothing is counted any more. */
async function quiet({ world }: Setting): Promise<void> {
  let last = ''
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const now = JSON.stringify(world.meter.counts())
    if (now === last && world.states.running() === 0) return
    last = now
  }
}

async function idle(setting: Setting): Promise<Counts> {
  const { world } = setting
  world.meter.reset()
  await world.scheduler.wake('')
  await quiet(setting)
  return world.meter.counts()
}
