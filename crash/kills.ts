// Kills the real service under load, starts it again on the same file, and at the end compares what
// the agents were told, what the store holds and what the processor booked.
import { setTimeout as sleep } from 'node:timers/promises'

import { startChild } from '../src/cli/children.ts'
import { randomOf } from '../src/cli/demo/random.ts'
import type { Mutant } from '../test/mutants/list.ts'
import { manyBills, readBills } from './bills.ts'
import { planKills } from './kill-plan.ts'
import type { Kill } from './kill-plan.ts'
import { openKillWorld, program } from './kill-world.ts'
import type { KillWorld } from './kill-world.ts'
import { billsPerLife, startLoad } from './load.ts'
import { endAndCompare } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { pointNames, points } from './point-names.ts'
import type { PointName } from './point-names.ts'

export interface KillsOptions {
  readonly folder: string
  readonly kills: number
  readonly seed: number
  /** Planted defects. */
  readonly patches: readonly Mutant[]
  readonly say: (line: string) => void
  readonly onProgress: (done: number, kills: number, words: string) => void
}

export interface KillsResult extends Outcome {
  readonly kills: number
  /** Every point, with how often the service died there. */
  readonly points: Readonly<Record<string, number>>
  readonly tookMs: number
}

/** A point that is not reached by then is given up for this life. */
const reachedWithinMs = 3_000
/** For what was given up: a busy machine needs longer. */
const surelyReachedWithinMs = 30_000
/** Each point that was given up gets as many lives more. */
const chances = 2

export async function runKills(options: KillsOptions): Promise<KillsResult> {
  const { folder, seed, patches, say, onProgress } = options
  const startedMs = performance.now()
  const plan = planKills(options.kills, randomOf(seed, 'kills'))
  const bills = manyBills(readBills(), billsPerLife * (plan.length + chances * pointNames.length))
  const world = await openKillWorld({ folder, seed, bills, patches, say })
  say(
    `${plan.length} kills, ${world.agents.length} agents, up to ${bills.length} bills; seed ${seed}`,
  )
  const load = startLoad(world, bills, seed)
  const lives = startLives(world)
  const faults: string[] = []
  for (const [at, kill] of plan.entries()) {
    load.more()
    await lives.next(kill)
    const words = `bills ${load.done()}/${load.asked()}  keys ${world.acknowledged.size}`
    onProgress(at + 1, plan.length, words)
  }
  // Where a life ended before its point was reached, the point gets another one.
  for (let chance = 0; chance < chances; chance += 1) {
    for (const point of unhit(world)) {
      load.more()
      const kill = { aim: { point, nth: 1 }, afterMs: 300, pauseMs: 0 }
      await lives.next(kill, surelyReachedWithinMs)
    }
  }
  while (lives.kills() < options.kills) {
    load.more()
    await lives.next({ aim: null, afterMs: 300, pauseMs: 0 })
  }
  await lives.last()
  faults.push(...(await secondProcess(world)))
  const outcome = await endAndCompare(world, load, bills)
  faults.push(...outcome.faults, ...unhit(world).map((name) => `the point ${name} was not hit`))
  const tookMs = performance.now() - startedMs
  const counts = { kills: lives.kills(), points: countPoints(world.hits()) }
  return { ...outcome, ...counts, tookMs, faults }
}

// ── A life and its end ───────────────────────────────────────────────────────────────────────────

/** One process after the other; what a process is to die of is told to it when it starts. */
function startLives({ service, aim, hits }: KillWorld) {
  let struck = 0
  let signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'
  let seen = hits().length
  // Ends the process that runs, if it still does, and starts the next one.
  const replace = async (pauseMs: number): Promise<boolean> => {
    if (hits().length === seen && signal === 'SIGKILL') struck += 1
    seen = hits().length
    const isUp = await service.killAndRestart(pauseMs, signal).then(
      () => true,
      // Killed while it started, as it was told.
      (error: unknown) => {
        if (hits().length === seen) throw error
        return false
      },
    )
    seen = isUp ? seen : hits().length - 1
    signal = 'SIGKILL'
    return isUp
  }
  const next = async (kill: Kill, withinMs = reachedWithinMs): Promise<void> => {
    aim(kill.aim)
    const isUp = await replace(kill.pauseMs)
    if (!isUp) return
    const at = kill.aim === null ? 'random' : points[kill.aim.point].at
    if (at === 'work') await Promise.race([service.gone(), sleep(withinMs)])
    else await sleep(kill.afterMs)
    if (at === 'stop') signal = 'SIGTERM'
  }
  const last = async (): Promise<void> => {
    aim(null)
    await replace(0)
  }
  return { next, last, kills: () => struck + hits().length }
}

/** While the service runs, another one on its file has to say no, and say why. */
async function secondProcess({ settings }: KillWorld): Promise<readonly string[]> {
  const begin = startChild({
    program,
    args: ['serve'],
    settings: { ...settings, QUITTANCE_PORT: '0' },
  })
  const why = await begin.then(
    async (second) => {
      await second.end('SIGKILL')
      return 'it started'
    },
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  return /in use: another Quittance process/.test(why)
    ? []
    : [`a second process on the file: ${why}`]
}

const unhit = ({ hits }: KillWorld): readonly PointName[] =>
  pointNames.filter((name) => !hits().includes(name))

function countPoints(hits: readonly string[]): Readonly<Record<string, number>> {
  const count = (name: string): number => hits.filter((hit) => hit === name).length
  return Object.fromEntries(pointNames.map((name) => [name, count(name)]))
}
