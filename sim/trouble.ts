// What happens to the world as a whole: outages of the processor, clocks that move, machines that
// stall, and an operator who throws switches and takes up what was left behind.
import type { AgentWorld, Reply } from './agents.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Shelf } from './shelf.ts'
import { operator } from './setting.ts'

const minute = 60_000

export function makeTrouble(
  network: Network,
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
      schedule.later(inMs, () => {
        if (faults.strikes(place, probability)) happen()
      })
    }
  }
  at('outage', rates.outage, () => {
    const forMs = random.pick([2_000, 30_000, 10 * minute, 75 * minute])
    network.outageUntilMs = schedule.nowMs() + forMs
    tell(`the processor is out for ${forMs / 1000} s`)
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
): Promise<void> {
  const shown = await ask(world, 'GET', `/v1/payments/${id}`, null)
  const version = shown?.body['version']
  if (typeof version === 'number') await ask(world, 'POST', path, body, version)
}

const switches: readonly (readonly [on: string, off: string])[] = [
  ['/v1/stop', '/v1/start'],
  ['/v1/processors/bank/pause', '/v1/processors/bank/resume'],
  ['/v1/agents/agent_1/suspend', '/v1/agents/agent_1/resume'],
]

export function operate(
  { schedule, options, faults }: Network,
  world: AgentWorld,
  shelf: Shelf,
  random: Random,
): void {
  for (let chance = 0; chance < 3; chance += 1) {
    schedule.later(random.whole(0, options.faultyForMs), () => {
      if (!faults.strikes('switch', options.rates.operator)) return
      const [on, off] = random.pick(switches)
      void throwSwitch(world, on)
      schedule.later(
        random.pick([500, 20_000, 10 * minute, 75 * minute]),
        () => void throwSwitch(world, off),
      )
    })
    schedule.later(random.whole(0, options.faultyForMs), () => {
      if (faults.strikes('redrive', options.rates.operator)) void redriveAll(world, shelf)
    })
  }
  if (options.approvals) {
    for (let look = 1; look <= 5; look += 1) {
      schedule.later((options.faultyForMs / 5) * look, () => void approveAll(world, shelf, random))
    }
  }
}

export async function redriveAll(world: AgentWorld, shelf: Shelf): Promise<void> {
  for (const id of shelf.parked()) {
    await decideOn(world, id, `/v1/dead-letters/${id}/redrive`, { reason: 'try again' })
  }
}

async function approveAll(world: AgentWorld, shelf: Shelf, random: Random): Promise<void> {
  for (const id of shelf.held()) {
    const does = random.pick(['approve', 'approve', 'deny', 'nothing'])
    if (does !== 'nothing') await decideOn(world, id, `/v1/payments/${id}/${does}`, {})
  }
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
