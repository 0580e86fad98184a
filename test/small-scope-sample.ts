// A sample of the schedules that small scope goes through, for a store too slow for all of them. Each is
// run on the reference store first, which says where its faults can go, and then on the store in question:
// both have to meet the same calls in the same order and come to the same end. For that each store is
// asked one thing after the other; what a store does with questions at once is its contract's business.
import { setImmediate as turn } from 'node:timers/promises'
import { openMemoryStore } from '../src/stores/memory.ts'
import type { Store } from '../src/ports.ts'
import { createRandom } from '../sim/random.ts'
import type { Random } from '../sim/random.ts'
import { faultsAt, faultsOf, run } from './small-scope.ts'
import type { Explored, Ran, Schedule, Workload } from './small-scope.ts'

export interface Sample {
  /** Up to so many faults in one life. */
  readonly faults: number
  readonly count: number
  readonly seed: string
}

/** A store of its own for each schedule, gone afterwards. */
export type OpenEmpty = () => Promise<{
  readonly store: Store
  readonly dispose: () => Promise<void>
}>

/** Runs `count` schedules drawn by the seed; the same seed draws the same ones everywhere. */
export async function exploreSample(
  openEmpty: OpenEmpty,
  workload: Workload,
  { faults, count, seed }: Sample,
): Promise<Explored> {
  const random = createRandom(seed)
  const violations: { faults: readonly string[]; wrong: readonly string[] }[] = []
  let parked = 0
  for (let drawn = 0; drawn < count; drawn += 1) {
    const { schedule, ran: expected } = await draw(workload, faults, random)
    const { store, dispose } = await openEmpty()
    const ran = await run(() => inTurns(store), workload, schedule).catch((error: unknown) =>
      String(error),
    )
    await dispose()
    if (typeof ran === 'string') {
      violations.push({ faults: expected.faults, wrong: [ran] })
      continue
    }
    const wrong = [...faultsOf(ran), ...differences(expected, ran)]
    if (wrong.length > 0) violations.push({ faults: ran.faults, wrong })
    if (ran.payment?.holds.some((hold) => hold.reason === 'dead_letter') === true) parked += 1
  }
  return { schedules: count, parked, violations }
}

const openReference = (): Store => inTurns(openMemoryStore())

/** Whoever was answered first goes on until it asks again, before the next one is answered. */
function inTurns(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve()
  const next = <T>(ask: () => Promise<T>): Promise<T> => {
    const asked = last.then(ask)
    last = asked.then(
      () => turn(),
      () => turn(),
    )
    return asked
  }
  return {
    ...store,
    read: (keys) => next(() => store.read(keys)),
    commit: (write) => next(() => store.commit(write)),
    events: (paymentId, afterSeq, limit) => next(() => store.events(paymentId, afterSeq, limit)),
    due: (beforeMs, limit) => next(() => store.due(beforeMs, limit)),
  }
}

/** Deeper schedules are far more, so most of a sample is as deep as may be. */
async function draw(
  workload: Workload,
  most: number,
  random: Random,
): Promise<{ readonly schedule: Schedule; readonly ran: Ran }> {
  const depth = most - Math.floor(random.next() ** 2 * (most + 1))
  let schedule: Schedule = []
  let ran = await run(openReference, workload, schedule)
  while (schedule.length < depth) {
    const from = (schedule.at(-1)?.site ?? -1) + 1
    if (from >= ran.sites.length) break
    const site = random.whole(from, ran.sites.length - 1)
    const fault = random.pick(faultsAt(ran.sites[site]))
    schedule = [...schedule, { site, fault }]
    ran = await run(openReference, workload, schedule)
  }
  return { schedule, ran }
}

function differences(expected: Ran, ran: Ran): readonly string[] {
  const seen = (one: Ran): string => JSON.stringify([one.sites, one.payment, one.events])
  if (seen(expected) === seen(ran)) return []
  const [reference, other] = [expected, ran].map(
    ({ sites, payment }) => `${payment?.state ?? 'nothing'} after ${sites.length} calls`,
  )
  return [`the reference store comes to ${reference}, this one to ${other}`]
}
