// 64 agents of one account, a budget for exactly half of their 1,000 equal bills, retries, new keys, a
// processor that misbehaves and a service that is killed: are exactly the affordable bills paid, each once?
//   node scripts/swarm.ts [--agents N] [--bills N] [--kills N] [--seed N] [--json]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { isGood, runSwarm } from './swarm/run.ts'

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '64' },
    bills: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})

function wholeNumber(name: 'agents' | 'bills' | 'kills' | 'seed', min: number): number {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number >= min) return number
  throw new Error(`--${name} is "${values[name]}"; it must be a whole number from ${min}`)
}

const folder = await mkdtemp(join(tmpdir(), 'quittance-swarm-'))
const startedMs = performance.now()
try {
  const run = await runSwarm({
    agents: wholeNumber('agents', 2),
    bills: wholeNumber('bills', 2),
    kills: wholeNumber('kills', 0),
    seed: wholeNumber('seed', 0),
    folder,
    say: (line) => console.error(line),
  })
  const { result, kills, samples, events, refusals, surprises } = run
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.error(
    `${kills} kills, ${refusals} refusals by the mandate; looked at ${samples} samples of the counter and ` +
      `${events} events; ${seconds} s`,
  )
  for (const surprise of surprises.slice(0, 20)) console.error(`surprise: ${surprise}`)
  if (values.json) console.log(JSON.stringify(result))
  else {
    for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(16)}${value}`)
  }
  process.exitCode = isGood(run) ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
