// What happens to the world as a whole: outages of the processor, clocks that move, machines that
// stall, and an operator who throws switches and takes up what was left behind.
import type { AgentWorld, Reply } from './agents.ts'
import type { Network } from './network.ts'
import type { Process, ProcessWorld } from './process.ts'
import type { Random } from './random.ts'
import type { Shelf } from './shelf.ts'
import { operator } from './setting.ts'

const minute = 60_000

export function makeTrouble(
  network: ProcessWorld,
  processes: readonly Process[],
  random: Random,
  tell: (what: string) => void,
): void {
  const { schedule, options, faults } = network
  const { rates, faultyForMs } = options
  const anyProcess = (): Process | undefined => {
    const alive = processes.filter((each) => each.isAlive())
    return alive.length === 0 ? undefined : random.pick(alive)
  }
  const at = (place: string, probability: number, happen: () => void): void => {
    for (let chance = 0; chance < 4; chance += 1) {
      const inMs = random.whole(0, faultyForMs)
      const strike = (): void => {
        if (faults.strikes(place, probability)) happen()
      }
      schedule.later(inMs, strike, place)
    }
  }
  at('outage', rates.outage, () => {
    const forMs = random.pick([2_000, 30_000, 10 * minute, 75 * minute])
    network.outageUntilMs = schedule.nowMs() + forMs
    tell(`the processor is out for ${forMs / 1000} s`)
  })
  at('store out', rates.storeOut, () => {
    const forMs = random.pick([500, 5_000, 30_000])
    network.storeOutUntilMs = schedule.nowMs() + forMs
    tell(`the store is out for ${forMs / 1000} s`)
  })
  at('clock', rates.clock, () => {
    // Machines that run at once are assumed to agree within a minute; a lone one may leap.
    const leaps =
      options.processes > 1 ? [-28_000, -200, 300, 28_000] : [-200, 40_000, 4 * minute, 60 * minute]
    const byMs = random.pick(leaps)
    anyProcess()?.setClock(byMs)
    tell(`a clock moves by ${byMs} ms`)
  })
  at('stall', rates.stall * 60, () => {
    const forMs = random.pick([500, 3_000, 20_000, 5 * minute])
    anyProcess()?.stall(forMs)
    tell(`a process stalls for ${forMs / 1000} s`)
  })
  at('kill', rates.crash * 10, () => anyProcess()?.kill('at some moment'))
}

// ── The operator ─────────────────────────────────────────────────────────────────────────────────

const ask = (
  world: AgentWorld,
  method: 'GET' | 'POST',
  path: string,
  body: Readonly<Record<string, unknown>> | null,
  version: number | null = null,
): Promise<Reply | null> =>
  world.ask({ who: operator, account: null, method, path, key: null, body, bill: null, version })

const throwSwitch = (world: AgentWorld, path: string): Promise<Reply | null> =>
  ask(world, 'POST', path, { reason: 'as I see fit' })

/** On what was shown a moment before. */
async function decideOn(
  world: AgentWorld,
  id: string,
  path: string,
  body: Readonly<Record<string, unknown>>,
  states: readonly unknown[] | null = null,
): Promise<void> {
  const shown = await ask(world, 'GET', `/v1/payments/${id}`, null)
  if (states?.includes(shown?.body['state']) === false) return
  const version = shown?.body['version']
  if (typeof version === 'number') await ask(world, 'POST', path, body, version)
}

const switches: readonly (readonly [on: string, off: string])[] = [
  ['/v1/stop', '/v1/start'],
  ['/v1/processors/bank/pause', '/v1/processors/bank/resume'],
  ['/v1/agents/agent_1/suspend', '/v1/agents/agent_1/resume'],
]

export function operate(network: Network, world: AgentWorld, shelf: Shelf, random: Random): void {
  const { schedule, options, faults } = network
  const { operator: rate } = options.rates
  const some = (place: string, happen: () => void): void => {
    const strike = (): void => {
      if (faults.strikes(place, rate)) happen()
    }
    schedule.later(random.whole(0, options.faultyForMs), strike, operator)
  }
  for (let chance = 0; chance < 3; chance += 1) {
    some('switch', () => {
      const [on, off] = random.pick(switches)
      void throwSwitch(world, on)
      schedule.later(
        random.pick([500, 20_000, 10 * minute, 75 * minute]),
        () => void throwSwitch(world, off),
      )
    })
    some('redrive', () => redriveAll(network, world, shelf))
    some('resolve', () => resolveAll(network, world, shelf))
  }
  if (options.approvals) {
    for (let look = 1; look <= 5; look += 1) {
      schedule.later((options.faultyForMs / 5) * look, () => approveAll(network, world, shelf))
    }
  }
}

/** Several people look at several payments, each for itself. */
function forEachOf(
  { schedule, ownerOf }: Network,
  ids: readonly string[],
  take: (id: string) => Promise<void>,
): void {
  for (const id of ids) schedule.later(0, () => void take(id), ownerOf(id))
}

export function redriveAll(network: Network, world: AgentWorld, shelf: Shelf): void {
  forEachOf(network, shelf.parked(), (id) =>
    decideOn(world, id, `/v1/dead-letters/${id}/redrive`, { reason: 'try again' }),
  )
}

/** Says what the processor shows, where that is its last word; else nothing. */
function resolveAll(network: Network, world: AgentWorld, shelf: Shelf): void {
  const open = ['initiated', 'validated', 'authorised']
  forEachOf(network, shelf.parked(), async (id) => {
    const charges = network.bank.charges().filter(({ paymentId }) => paymentId === id)
    const paid = charges.find(({ captured }) => captured > 0)
    const mayChange = network.schedule.nowMs() <= (network.effectUntilMs.get(id) ?? 0)
    const isLive = charges.some(({ status }) => status === 'created' || status === 'authorised')
    const reason = 'as the processor shows it'
    const path = `/v1/dead-letters/${id}/resolve`
    if (paid !== undefined) {
      const body = { finding: 'paid', processor_reference: paid.objectId, reason }
      await decideOn(world, id, path, body, open)
    } else if (!isLive && !mayChange) {
      await decideOn(world, id, path, { finding: 'not_paid', reason }, open)
    }
  })
}

function approveAll(network: Network, world: AgentWorld, shelf: Shelf): void {
  forEachOf(network, shelf.held(), async (id) => {
    const does = network.random().pick(['approve', 'approve', 'deny', 'nothing'])
    if (does !== 'nothing') await decideOn(world, id, `/v1/payments/${id}/${does}`, {})
  })
}

/** All switches are thrown back, whoever had thrown them. */
export async function resumeAll(world: AgentWorld): Promise<void> {
  for (const [, off] of switches) {
    for (let tries = 0; tries < 20; tries += 1) {
      const told = await throwSwitch(world, off)
      if (told !== null && told.status < 500) break
    }
  }
}
