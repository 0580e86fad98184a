// Cuts the power at many moments of a recording: rebuilds the files as the disk may have kept
// them, opens them with the real store, and holds them against everything that anybody had been
// told by then.
import { hash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { randomOf } from '../../src/cli/demo/random.ts'
import type { Random } from '../../src/cli/demo/random.ts'
import { readBooks } from '../books.ts'
import { openDisk } from './disk.ts'
import type { Image } from './disk.ts'
import { brokenPromises, note, nothingPromised } from './promises.ts'
import type { Kept, Promised } from './promises.ts'
import type { Recording } from './record.ts'
import type { Call } from './strace.ts'

export interface Judged {
  /** Moments at which the power was cut; each leaves two disks. */
  readonly moments: number
  readonly cuts: number
  readonly syncs: number
  /** Of the database itself: its log was copied. */
  readonly checkpoints: number
  readonly promises: number
  readonly payments: number
  /** Sentence → the moments at which it was true, as words; none: all is well. */
  readonly faults: ReadonlyMap<string, readonly string[]>
}

export interface JudgeOptions {
  /** Files are rebuilt in here. */
  readonly scratch: string
  readonly moments: number
  readonly seed: number
  readonly onProgress: (done: number, moments: number) => void
}

export async function judge(recording: Recording, options: JudgeOptions): Promise<Judged> {
  const { scratch, seed, onProgress } = options
  const { calls, folder, servicePort } = recording
  const moments = chooseMoments(calls, options.moments, randomOf(seed, 'moments'))
  const disk = openDisk(folder)
  const promised = nothingPromised()
  const read = openReader(scratch, recording.keys)
  const random = randomOf(seed, 'what survives')
  const faults = new Map<string, string[]>()
  let [done, cuts] = [0, 0]
  for (const [index, call] of calls.entries()) {
    if (call.do === 'send') note(promised, call, servicePort)
    else disk.feed(call)
    if (!moments.has(index)) continue
    const losses = [
      ['all unsynced lost', disk.withoutUnsynced()],
      ['some unsynced lost', disk.withSomeUnsynced(random)],
    ] as const
    for (const [loss, image] of losses) {
      cuts += 1
      for (const broken of brokenPromises(promised, await read(image))) {
        const known = faults.get(broken) ?? []
        faults.set(broken, [...known, `call ${index}, ${loss}`])
      }
    }
    done += 1
    onProgress(done, moments.size)
  }
  const syncs = calls.filter((call) => call.do === 'sync')
  const database = join(folder, 'quittance.db')
  return {
    moments: moments.size,
    cuts,
    syncs: syncs.length,
    checkpoints: syncs.filter(({ path }) => path === database).length,
    promises: countOf(promised),
    payments: promised.payments.size,
    faults,
  }
}

/** After every sync and every send, where there is room for them, and at random in between. */
function chooseMoments(calls: readonly Call[], most: number, random: Random): ReadonlySet<number> {
  const sharp = calls.flatMap(({ do: what }, at) =>
    what === 'sync' || what === 'send' ? [at] : [],
  )
  const chosen = new Set<number>()
  const wanted = Math.min(sharp.length, Math.ceil((most * 2) / 3))
  for (const at of sample(sharp, wanted, random)) chosen.add(at)
  const others = calls.flatMap((_, at) => (chosen.has(at) ? [] : [at]))
  for (const at of sample(others, most - chosen.size, random)) chosen.add(at)
  return chosen
}

function sample(list: readonly number[], count: number, random: Random): readonly number[] {
  return list
    .map((each) => ({ each, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ each }) => each)
}

const countOf = ({ payments, ...sets }: Promised): number =>
  Object.values(sets).reduce((sum, { size }) => sum + size, payments.size)

/** Reads a disk; one that is the same as the last of its kind is not read again. */
function openReader(scratch: string, keys: Kept['keys']): (image: Image) => Promise<Kept> {
  const known = new Map<string, Kept>()
  return async (image) => {
    const name = nameOf(image)
    const seen = known.get(name)
    if (seen !== undefined) return seen
    mkdirSync(scratch)
    for (const [file, content] of image) writeFileSync(join(scratch, file), content)
    const books = await readBooks(join(scratch, 'quittance.db'))
    const installation = image.get('installation')?.toString().trim() ?? ''
    rmSync(scratch, { recursive: true })
    const kept = { books, installation, keys }
    if (known.size > 8) known.clear()
    known.set(name, kept)
    return kept
  }
}

function nameOf(image: Image): string {
  const parts = [...image].map(([file, content]) => `${file} ${hash('sha1', content)}`)
  return parts.toSorted().join()
}
