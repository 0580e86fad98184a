// A swarm of agents on one budget that covers exactly half of their bills, while the processor misbehaves
// and the service is killed. Judged by the processor's own ledger, not by what anybody was told.
import { setTimeout as sleep } from 'node:timers/promises'

import { randomOf } from '../../src/cli/demo/random.ts'
import { askFor } from './habits.ts'
import { watchCounter, walkEvents } from './watch.ts'
import { amount, openSwarm } from './world.ts'
import type { SwarmAgent, SwarmOptions, SwarmWorld } from './world.ts'

export interface SwarmResult {
  readonly agents: number
  readonly bills: number
  readonly affordable: number
  /** Bills whose money the processor has taken. */
  readonly paid: number
  readonly double_charges: number
  /** Samples of the counter and moments of the event log at which more was taken than the budget. */
  readonly over_limit: number
}

export interface SwarmRun {
  readonly result: SwarmResult
  readonly kills: number
  readonly samples: number
  readonly events: number
  readonly refusals: number
  /** What should not have happened besides; empty is good. */
  readonly surprises: readonly string[]
}

export async function runSwarm(options: SwarmOptions): Promise<SwarmRun> {
  const affordable = Math.floor(options.bills / 2)
  const budget = affordable * amount
  await awayFromMidnight(options.say)
  const world = await openSwarm(options, budget)
  const watch = watchCounter(world.storeFile, budget)
  const told = newTold(options.bills)
  const killing = killWhile(world, options, told)
  try {
    await askAll(world.agents, options.seed, told)
    told.isDone = true
    await killing
    await waitForEnds(world.agents, told)
    // Whoever was refused asks once more: nothing came back that would cover a bill.
    await askAll(world.agents, options.seed + 1, told)
    await waitForEnds(world.agents, told)
  } finally {
    told.isDone = true
    await killing.catch(() => undefined)
    await world.service.end()
  }
  const counter = await watch.stop()
  const walk = await walkEvents(world.storeFile, budget)
  const charges = await world.processor.charges()
  await world.end()
  const billOf = new Map(walk.payments.map(({ id, reference }) => [id, reference]))
  const captures = new Map<string, number>()
  for (const charge of charges) {
    const bill = billOf.get(charge.reference) ?? `nobody’s: ${charge.reference}`
    captures.set(bill, (captures.get(bill) ?? 0) + charge.captures)
  }
  const taken = [...captures.values()].filter((count) => count > 0)
  return {
    result: {
      agents: options.agents,
      bills: options.bills,
      affordable,
      paid: taken.length,
      double_charges: taken.filter((count) => count > 1).length,
      over_limit: counter.over + walk.over,
    },
    kills: told.kills,
    samples: counter.samples,
    events: walk.events,
    refusals: told.refusals,
    surprises: told.surprises,
  }
}

export const isGood = ({ result, surprises }: SwarmRun): boolean =>
  result.paid === result.affordable &&
  result.double_charges === 0 &&
  result.over_limit === 0 &&
  surprises.length === 0

// ── What the agents were told ────────────────────────────────────────────────────────────────────

interface Told {
  /** Bills that nobody has claimed yet. */
  readonly open: Set<number>
  /** Bill → its payment, as agents were told. */
  readonly claimed: Map<number, string>
  readonly surprises: string[]
  asked: number
  refusals: number
  kills: number
  isDone: boolean
}

const newTold = (bills: number): Told => ({
  open: new Set(Array.from({ length: bills }, (_, at) => at + 1)),
  claimed: new Map(),
  surprises: [],
  asked: 0,
  refusals: 0,
  kills: 0,
  isDone: false,
})

/** Bills that one agent has under way. */
const billsAtOnce = 2

/** The agents share what nobody has claimed yet; who is refused leaves the bill open. */
async function askAll(agents: readonly SwarmAgent[], seed: number, told: Told): Promise<void> {
  const queue = [...told.open].values()
  const one = async (agent: SwarmAgent, mate: SwarmAgent): Promise<void> => {
    for (const bill of queue) {
      const asked = await askFor(bill, agent, mate, seed)
      told.asked += 1
      if (asked.result === 'refused') told.refusals += 1
      if (asked.result === 'surprise') told.surprises.push(`bill ${bill}: ${asked.what}`)
      if (asked.result !== 'claimed') continue
      told.open.delete(bill)
      told.claimed.set(bill, asked.paymentId)
    }
  }
  await Promise.all(
    agents.flatMap((agent, at) => {
      const mate = agents[(at + 1) % agents.length] ?? agent
      return Array.from({ length: billsAtOnce }, () => one(agent, mate))
    }),
  )
}

async function waitForEnds(agents: readonly SwarmAgent[], told: Told): Promise<void> {
  const queue = [...told.claimed].values()
  const one = async ({ client }: SwarmAgent): Promise<void> => {
    for (const [bill, paymentId] of queue) {
      const seen = await client.wait(paymentId)
      const moved = seen.ok ? seen.payment.money_moved : seen.problem.code
      if (moved !== 'yes') told.surprises.push(`bill ${bill}: ${paymentId} ended with ${moved}`)
    }
  }
  await Promise.all(agents.map(one))
}

// ── Kills ────────────────────────────────────────────────────────────────────────────────────────

/** Kills the service each time that a share of the bills has been asked for, at an odd moment after it. */
async function killWhile(world: SwarmWorld, options: SwarmOptions, told: Told): Promise<void> {
  const random = randomOf(options.seed, 'kills')
  const share = options.bills / (options.kills + 1)
  while (told.kills < options.kills && !told.isDone) {
    if (told.asked < share * (told.kills + 0.5)) {
      await sleep(5)
      continue
    }
    await sleep(random.integer(0, 60))
    await world.service.killAndRestart(random.integer(0, 100))
    told.kills += 1
    options.say(`kill ${told.kills} after ${told.asked} bills`)
  }
}

// A budget is a day's: a run across midnight would have two of them.
async function awayFromMidnight(say: (line: string) => void): Promise<void> {
  const dayMs = 86_400_000
  const leftMs = dayMs - (Date.now() % dayMs)
  if (leftMs > longestRunMs) return
  say('waits for the next day of UTC')
  await sleep(leftMs + 1_000)
}

const longestRunMs = 10 * 60_000
