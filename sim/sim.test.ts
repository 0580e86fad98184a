// The simulation itself: a seed is one story and no other, what is broken is seen and told in words,
// and what earlier seeds found stays mended. Many seeds: `npm run sim`.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { lifeOf } from './batch.ts'
import { regressions } from './regressions.ts'
import { shrink } from './shrink.ts'
import { tell } from './story.ts'
import type { Seen } from './witness.ts'
import { live } from './world.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const sim = (...args: readonly string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 })

test('a seed is the same story each time, in this process and in another', async () => {
  const once = await live({ ...lifeOf(5, 10), trace: true })
  const again = await live({ ...lifeOf(5, 10), trace: true })
  assert.equal(again.traceHash, once.traceHash)
  assert.equal(again.steps, once.steps)
  const another = await live({ ...lifeOf(6, 10), trace: true })
  assert.notEqual(another.traceHash, once.traceHash)
  const told = sim('--seed', '5', '--bills', '10')
  assert.equal(told.status, 0, told.stderr)
  assert.match(told.stdout, new RegExp(`trace_hash ${once.traceHash.toString(16)}`))
})

test('what agents, processors and operators do really happens: a quiet world would prove nothing', async () => {
  const happened = new Set<string>()
  for (let seed = 1; seed <= 25; seed += 1) {
    const onSeen = (seen: Seen): void => {
      if (seen.see === 'sent') happened.add(`sent ${seen.kind}`)
      if (seen.see === 'crash') happened.add('crash')
      if (seen.see === 'answered') happened.add(`answer ${seen.status}`)
      if (seen.see !== 'stored') return
      for (const { type } of seen.events) happened.add(type)
      for (const { table, value } of seen.rows) {
        if (table === 'breaker') happened.add(`breaker ${(value as { state: string }).state}`) // its row
      }
    }
    await live({ ...lifeOf(seed, 20), onSeen })
  }
  const missing = mustHappen.filter((each) => !happened.has(each))
  assert.deepEqual(missing, [])
})

const mustHappen = [
  ...['create', 'authorise', 'capture', 'void', 'refund'].map((kind) => `sent ${kind}`),
  ...[200, 202, 403, 409, 422, 503].map((status) => `answer ${status}`),
  ...['open', 'half_open'].map((state) => `breaker ${state}`),
  'crash',
  'sent_again',
  'inquired',
  'settled',
  'declined',
  'voided',
  'rejected',
  'refund_succeeded',
  'capture_requested',
  'parked',
  'redriven',
  'approved',
  'amount_reversed',
]

for (const { seed, found } of regressions) {
  test(`seed ${seed} is clean: ${found}`, async () => {
    const { violations } = await live(lifeOf(seed, 20))
    assert.deepEqual(violations, [])
  })
}

test('a violation is shrunk to fewer bills and faults, and told in plain words', async () => {
  // A judge that calls any capture of more than 1 000 000 minor units less one a second capture.
  const strict = () => ({
    see: (seen: { see: string; atMs: number }) =>
      'amount' in seen &&
      'change' in seen &&
      seen.change === 'captured' &&
      seen.amount === 1_000_000
        ? [
            {
              invariant: 1,
              atMs: seen.atMs,
              paymentId: String('paymentId' in seen ? seen.paymentId : ''),
              what: 'too much',
            },
          ]
        : [],
    end: () => [],
  })
  const life = { ...lifeOf(3, 10), createAuditor: strict }
  const failing = await live(life)
  assert(failing.violations.length > 0, 'take another seed: this one captures no such amount')
  const shrunk = await shrink(life, failing)
  const [violation] = shrunk.ended.violations
  assert(violation !== undefined)
  assert.equal(shrunk.life.onlyBills?.size, 1)
  assert(shrunk.ended.struck.length <= failing.struck.length)
  const story = await tell(shrunk.life, violation)
  assert.match(story.join('\n'), /agent_\d asks POST \/v1\/payments/)
  assert.match(story.join('\n'), /the processor: ch_\d+ captured 1000000/)
  assert.match(story.at(-2) ?? '', /BROKEN: a payment is captured once at most \(invariant 1\)/)
})

test('an option that cannot be meant is refused with what it takes', () => {
  for (const [args, says] of [
    [['--seeds', 'many'], /--seeds is a whole number from 1/],
    [['--bills', '0'], /--bills is a whole number from 1 to 200/],
    [['--off', '99'], /--off is a whole number from 0 to 15/],
  ] as const) {
    const told = sim(...args)
    assert.equal(told.status, 2)
    assert.match(told.stderr, says)
  }
})
