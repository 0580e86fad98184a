// Power loss with everything that follows it: under load the service dies, its disk keeps what was
// synced and little else, the real service starts on what is left, and at the end the books must
// agree.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Surroundings } from '../../src/cli/demo/killable-service.ts'
import { randomOf } from '../../src/cli/demo/random.ts'
import type { Random } from '../../src/cli/demo/random.ts'
import type { Mutant } from '../../test/mutants/list.ts'
import { manyBills, readBills } from '../bills.ts'
import { openKillWorld } from '../kill-world.ts'
import { billsPerLife, startLoad } from '../load.ts'
import { endAndCompare } from '../outcome.ts'
import type { Outcome } from '../outcome.ts'
import { preloading } from '../preload.ts'
import { openDisk } from './disk.ts'
import type { Image } from './disk.ts'
import { readCalls, tracer, tracerEnded } from './record.ts'

export interface LossesResult extends Outcome {
  readonly losses: number
}

export interface LossesOptions {
  readonly folder: string
  readonly seed: number
  readonly losses: number
  readonly patches: readonly Mutant[]
  readonly say: (line: string) => void
  readonly onProgress: (done: number, losses: number, words: string) => void
}

export async function runLosses(options: LossesOptions): Promise<LossesResult> {
  const { seed, losses, patches, say, onProgress } = options
  const folder = join(options.folder, 'losses')
  const dataFolder = join(folder, 'data')
  mkdirSync(dataFolder, { recursive: true })
  const random = randomOf(seed, 'power losses')
  const bills = manyBills(readBills(), 2 * billsPerLife * (losses + 1))
  const surroundings = openSurroundings({ folder, dataFolder, random, patches })
  const world = await openKillWorld({ folder, seed, bills, patches, say, surroundings })
  const load = startLoad(world, bills, seed)
  for (let done = 0; done < losses; done += 1) {
    load.more()
    load.more()
    await sleep(random.integer(500, 2_000))
    await world.service.killAndRestart(0)
    onProgress(done + 1, losses, `power losses under load, bills ${load.done()}/${load.asked()}`)
  }
  const outcome = await endAndCompare(world, load, bills)
  rmSync(folder, { recursive: true })
  return { ...outcome, losses }
}

/** Before each start the disk is made what the power loss left of it. */
function openSurroundings({
  folder,
  dataFolder,
  random,
  patches,
}: Pick<LossesOptions, 'folder' | 'patches'> & {
  readonly dataFolder: string
  readonly random: Random
}): () => Promise<Surroundings> {
  let image: Image = new Map()
  let starts = 0
  const logOf = (start: number): string => join(folder, `strace-${start}.log`)
  return async () => {
    const last = logOf(starts)
    if (existsSync(last)) {
      await tracerEnded(last)
      const disk = openDisk(dataFolder, image)
      for (const call of await readCalls(last, dataFolder)) disk.feed(call)
      // In turn: nothing that was not synced, and some of it.
      image = starts % 2 === 1 ? disk.withoutUnsynced() : disk.withSomeUnsynced(random)
      for (const name of readdirSync(dataFolder)) rmSync(join(dataFolder, name))
      for (const [name, content] of image) writeFileSync(join(dataFolder, name), content)
      rmSync(last)
    }
    starts += 1
    return { settings: preloading(patches), under: tracer(logOf(starts)) }
  }
}
