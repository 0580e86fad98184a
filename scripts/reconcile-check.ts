// Does reconciliation find every difference, with its type, and nothing that is none? For each seed a
// control run over payments that agree, and one over payments that were made to disagree.
//   node scripts/reconcile-check.ts [--seeds N] [--from S] [--payments N] [--json]
import { parseArgs } from 'node:util'

import {
  casesOf,
  judge,
  overdue,
  randomOf,
  reconcileAll,
  untidyPages,
} from '../test/reconcile-world.ts'
import type { Judged } from '../test/reconcile-world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '50' },
    from: { type: 'string', default: '1' },
    payments: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
})

const wholeNumber = (name: 'seeds' | 'from' | 'payments'): number => {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new Error(`--${name} is "${values[name]}"; it must be a whole number from 1`)
}

const [seeds, from, payments] = [wholeNumber('seeds'), wholeNumber('from'), wholeNumber('payments')]
const day = 86_400_000
const sum = { injected: 0, found: 0, mistyped: 0, falseBreaks: 0 }

/** Their clock may be a day ahead of ours, or a day behind. */
const skews = [0, day, -day] as const

async function judgeOne(seed: number, rate: number): Promise<Judged> {
  const skewMs = skews[seed % skews.length] ?? 0
  const cases = casesOf(seed, payments, rate).filter(
    // How old is what nobody here knows? Only their clock says, and it must be right for that.
    ({ expects, payment }) => skewMs === 0 || expects !== 'pending_timing' || payment !== null,
  )
  const world = await reconcileAll(cases, { pageOf: untidyPages(randomOf(seed)), skewMs })
  const judged = count(judge(cases, world.breaks))
  // What was waited for is overdue two hours later, and stays one break.
  const later = await world.again(
    cases.flatMap((each) => each.records),
    7_200_000,
  )
  const promoted = count(judge(overdue(cases), later.breaks))
  await world.close()
  return {
    injected: judged.injected + promoted.injected,
    found: judged.found + promoted.found,
    mistyped: judged.mistyped + promoted.mistyped,
    falseBreaks: judged.falseBreaks + promoted.falseBreaks,
  }
}

function count(judged: Judged): Judged {
  for (const key of ['injected', 'found', 'mistyped', 'falseBreaks'] as const)
    sum[key] += judged[key]
  return judged
}

for (let seed = from; seed < from + seeds; seed += 1) {
  await judgeOne(seed, 0)
  const { injected, found, mistyped, falseBreaks } = await judgeOne(seed, 0.02)
  if (!values.json) {
    console.log(
      `seed ${seed}: ${found} of ${injected} found, ${mistyped} mistyped, ${falseBreaks} false`,
    )
  }
}
const { injected, found, mistyped, falseBreaks: false_breaks } = sum
console.log(JSON.stringify({ seeds, injected, found, mistyped, false_breaks }))
process.exitCode = found === injected && mistyped + false_breaks === 0 ? 0 : 1
