// `npm run cloud:test`: the end-to-end tests against the synthesised template. With `--json` the last
// line is what came of it.
import { factor } from './time.ts'
import { after, before, beforeEach, suite } from 'node:test'

import type { Payment } from '../../src/client/index.ts'
import { books } from './suite/books.ts'
import { door } from './suite/door.ts'
import { judge } from './suite/judge.ts'
import { people, payments } from './suite/payments.ts'
import { openSetting } from './suite/setting.ts'
import type { Setting } from './suite/setting.ts'
import { synthesise } from './suite/synth.ts'
import { telling } from './suite/telling.ts'
import { deaths, doubles, load, streams, untold } from './suite/trouble.ts'

const isJson = process.argv.includes('--json')
const workflow = process.argv.includes('--express') ? 'express' : 'standard'

let setting: Setting | null = null
const given = (): Setting => {
  if (setting === null) throw new Error('nothing is running')
  return setting
}
let summary: object = {}

// Ended from outside, its processes have to end as well: they hang on `exit`.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

process.on('exit', () => {
  if (isJson) console.log(JSON.stringify(summary))
})

suite(`the template on this machine (${workflow}), time ×${factor}`, () => {
  before(async () => {
    if (!process.argv.includes('--no-synth')) synthesise(workflow)
    setting = await openSetting(workflow)
    await setting.world.send('PaymentsWork', 'this is no work')
  })
  beforeEach(() => setting?.world.faults.clear())
  suite('the door', () => door(given))
  suite('payments', { concurrency: 3 }, () => payments(given))
  suite('people', () => people(given))
  suite('deaths', () => deaths(given))
  suite('twice', () => doubles(given))
  suite('load', () => load(given))
  suite('streams', () => streams(given))
  suite('untold', () => untold(given))
  suite('telling', () => telling(given))
  suite('books', () => books(given))
  after(async () => {
    const verdict = await judged(given())
    summary = verdict.line
    for (const finding of verdict.findings) console.log(finding)
    await setting?.stop()
    if (verdict.isBad) process.exitCode = 1
  })
})

async function judged({ acknowledged, people: all, processor, world }: Setting): Promise<{
  readonly line: object
  readonly findings: readonly string[]
  readonly isBad: boolean
}> {
  const shown = new Map<string, Payment>()
  for (const id of acknowledged.keys()) {
    const read = await all.operator.get(id)
    if (read.ok) shown.set(id, read.payment)
  }
  const verdict = judge(acknowledged, shown, await processor.charges())
  const unused = world.guard.unused()
  const own = unused.filter(({ isPlatform }) => !isPlatform)
  // Callers of the API that are turned away are the gateway's work, not a fault of the template.
  const callers = world.template.ofType('AWS::IAM::ManagedPolicy').map(({ id }) => id)
  const denied = world.guard.denied.filter(({ caller }) => !callers.includes(caller))
  const line = {
    payments: verdict.payments,
    double_charges: verdict.doubleCharges,
    lost: verdict.lost,
    denied_calls: denied.length,
    unused_permissions: own.length,
  }
  return {
    line,
    isBad: verdict.doubleCharges + verdict.lost + denied.length > 0,
    findings: [
      ...verdict.findings,
      ...denied.map((each) => `denied: ${JSON.stringify(each)}`),
      ...own.map(
        ({ holder, sid, action, resource }) =>
          `never used: ${holder} ${sid} ${action} ${resource.split(':').at(-1)}`,
      ),
      `${unused.length - own.length} permissions of the platform were not needed here`,
    ],
  }
}
