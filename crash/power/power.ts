// Power loss from beginning to end: a recording of the service as it is, and one of a service that
// does not wait for its disk. The first must keep every promise, and the second must be seen to
// break them.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import type { Mutant } from '../../test/mutants/list.ts'
import { oftenCheckpointed, unsynced } from '../defects.ts'
import { judge } from './judge.ts'
import type { Judged } from './judge.ts'
import { runLosses } from './losses.ts'
import type { LossesResult } from './losses.ts'
import { record } from './record.ts'

export interface PowerOptions {
  readonly folder: string
  readonly seed: number
  readonly moments: number
  /** Planted defects; there are no controls then. */
  readonly patches: readonly Mutant[]
  readonly say: (line: string) => void
  readonly onProgress: (done: number, moments: number, words: string) => void
}

export interface PowerResult extends Judged {
  /** Controls that were red, of all that were run. */
  readonly red: readonly string[]
  readonly isControlRed: boolean
  /** Power losses under load, each followed by a start on what was left. */
  readonly under: LossesResult
}

/** Some dozens of payments make hundreds of syncs and sends. */
const bills = 36
/** What is wrong from the first payment on needs no long search. */
const controlBills = 12
const controlMoments = 60
/** Each with a restart on what was left. */
const losses = 6

const controls = ['OFF', 'NORMAL'] as const

export async function runPower(options: PowerOptions): Promise<PowerResult> {
  const { say } = options
  const { moments } = options
  const patches = [oftenCheckpointed, ...options.patches]
  const judged = await one('as it is', options, { bills, moments, patches })
  const wanted = options.patches.length === 0 ? controls : []
  const red: string[] = []
  for (const level of wanted) {
    const control = await one(`synchronous = ${level}`, options, {
      bills: controlBills,
      moments: controlMoments,
      patches: [oftenCheckpointed, unsynced(level)],
    })
    // It has to be red for the right reason: a payment that somebody was told of is gone.
    const lost = [...control.faults.keys()].filter((each) => /^lost: (pay|att)_/.test(each))
    if (lost.length > 0) red.push(level)
    say(`control synchronous = ${level}: ${lost.length} acknowledged payments and attempts lost`)
  }
  const under = await runLosses({ ...options, losses, patches })
  say(
    `power, under load: ${under.losses} losses, ${under.payments} payments, ${under.captures} captures`,
  )
  return { ...judged, red, isControlRed: red.length === wanted.length, under }
}

interface Given {
  readonly bills: number
  readonly moments: number
  readonly patches: readonly Mutant[]
}

async function one(name: string, options: PowerOptions, given: Given): Promise<Judged> {
  const { folder, seed, say, onProgress } = options
  const own = join(folder, 'power')
  mkdirSync(own)
  const scratch = existsSync(memory)
    ? join(memory, `quittance-crash-${process.pid}`)
    : join(own, 'x')
  // Also where the process is interrupted: memory is nobody's temporary folder.
  const cleanUp = (): void => rmSync(scratch, { recursive: true, force: true })
  process.once('exit', cleanUp)
  try {
    const recording = await record({ folder: own, seed, ...given })
    const judged = await judge(recording, {
      scratch,
      moments: given.moments,
      seed,
      onProgress: (done, moments) => onProgress(done, moments, `power cuts, ${name}`),
    })
    const { moments, cuts, syncs, checkpoints, payments, promises } = judged
    say(
      `power, ${name}: ${payments} payments, ${syncs} syncs (${checkpoints} of the database itself), ` +
        `${promises} promises, ${cuts} disks at ${moments} moments`,
    )
    return judged
  } finally {
    process.off('exit', cleanUp)
    cleanUp()
    rmSync(own, { recursive: true, force: true })
  }
}

/** Rebuilt files need no disk of their own. */
const memory = '/dev/shm'
