// Runs the tables of `test/scenarios/*.md`: a payment's life as a payments person would tell it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { advise } from '../src/core/advice.ts'
import type { Payment } from '../src/core/payment.ts'
import { advance } from '../src/engine/advance.ts'
import { commandPayment, operatePayment } from '../src/engine/command.ts'
import type { AgentCommand } from '../src/engine/command.ts'
import { submit } from '../src/engine/submit.ts'
import { aCaller, aRequest, createTestEngine, requestKey, toRest } from './engine-world.ts'
import type { TestWorld } from './engine-world.ts'
import type { CallFault } from './model-processor.ts'

interface Told {
  readonly world: TestWorld
  readonly faults: Map<string, CallFault>
  gone: boolean
  /** The newest payment of the story, and the answer to the last request. */
  paymentId: string
  answer: string
}

const faultsByPhrase: Readonly<Record<string, CallFault>> = {
  'loses the answer to': 'lost_after',
  delays: 'late',
  'stores a 500 for': 'stored_500',
  declines: 'decline',
  'refuses the connection of': 'refused',
  'asks to slow down at': 'slow_down',
}

const phrases: readonly [RegExp, (told: Told, ...parts: string[]) => Promise<void> | void][] = [
  [
    /^agent asks to pay (\d+) (\w+) to (\S+) for (\S+?)(?: with key (\w+))?(?: as (retry|distinct))?$/,
    pay,
  ],
  [
    /^agent asks for a void(?: with key (\w+))?$/,
    (told, key) => ask(told, { type: 'void', reason: 'no' }, key),
  ],
  [
    /^agent asks to refund (\d+) as (\w+)$/,
    (told, amount, reference = '') =>
      ask(told, { type: 'refund', reference, amount: Number(amount), reason: 'no' }, reference),
  ],
  [/^operator redrives$/, redrive],
  [/^driver takes (\d+) steps?$/, steps],
  [/^driver rests$/, ({ world, paymentId }) => toRest(world, paymentId)],
  [
    /^processor loses the next (\w+) on the way$/,
    ({ faults }, kind = '') => void faults.set(kind, 'lost_before'),
  ],
  [/^processor is gone from the next \w+ on$/, (told) => void (told.gone = true)],
  [/^processor is back$/, (told) => void (told.gone = false)],
  [
    /^processor (.+?) the next (\w+)$/,
    ({ faults }, phrase = '', kind = '') => {
      const fault = faultsByPhrase[phrase]
      assert.ok(fault, `the processor does not know how to "${phrase}"`)
      faults.set(kind, fault)
    },
  ],
  [/^network delivers what was delayed$/, ({ world }) => world.processor.arrive()],
]

async function pay(
  told: Told,
  amount: string | undefined,
  currency = '',
  payee = '',
  reference = '',
  key = 'first',
  how?: string,
): Promise<void> {
  const request = {
    ...aRequest,
    amount: Number(amount),
    currency,
    payee,
    reference,
    retryOf: how === 'retry' ? told.paymentId : null,
    distinctFrom: how === 'distinct' ? [told.paymentId] : [],
    reason: how === 'distinct' ? 'another bill' : null,
  }
  const submission = await submit(told.world.engine, aCaller, requestKey(key), request)
  if (submission.result === 'rejected') {
    told.answer = `refused ${submission.rejection.code}`
    return
  }
  told.answer = submission.result
  told.paymentId = submission.paymentId
}

async function ask(told: Told, command: AgentCommand, key = 'first'): Promise<void> {
  const { world, paymentId } = told
  const path = `/v1/payments/${paymentId}/${command.type}`
  const result = await commandPayment(
    world.engine,
    aCaller,
    { ...requestKey(key), path },
    paymentId,
    command,
  )
  told.answer = result.result === 'rejected' ? `refused ${result.rejection.code}` : result.result
}

async function redrive({ world, paymentId }: Told): Promise<void> {
  const command = {
    type: 'redrive',
    by: 'operator',
    reason: 'it is back',
    notAfterMs: null,
  } as const
  const result = await operatePayment(world.engine, paymentId, command, null)
  assert.equal(result.result, 'accepted')
}

async function steps({ world, paymentId }: Told, count = ''): Promise<void> {
  for (let step = 0; step < Number(count); step += 1) await advance(world.engine, paymentId, 1)
}

// ── What must be true ────────────────────────────────────────────────────────────────────────────

/** Everything that a `then` may name, as it is now. */
async function truths(told: Told): Promise<ReadonlySet<string>> {
  const { world, paymentId, answer } = told
  const [row] = await world.engine.store.read([{ table: 'payment', key: paymentId }])
  const payment = row?.value.payment as Payment // each story begins with a claim
  const advice = advise(payment, world.hand.nowMs)
  const captures = world.processor.charges.reduce((sum, charge) => sum + charge.captures, 0)
  return new Set([
    answer,
    payment.state,
    `money ${advice.moneyMoved}`,
    advice.nextAction.type,
    advice.newKeyAllowed ? 'new key allowed' : 'no new key',
    ...payment.holds.map((hold) => `held ${hold.reason}`),
    `captures ${captures}`,
    `sends ${world.processor.sends.length}`,
  ])
}

interface Scenario {
  readonly title: string
  readonly rows: readonly { readonly act: string; readonly truths: readonly string[] }[]
}

function readScenarios(markdown: string): readonly Scenario[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      title: section.slice(0, section.indexOf('\n')),
      rows: section
        .split('\n')
        .filter((line) => line.startsWith('|') && !/^\|(-|\s*who\b)/.test(line))
        .map((line) => {
          const [who = '', does = '', then = ''] = line
            .split('|')
            .slice(1)
            .map((cell) => cell.trim())
          return { act: `${who} ${does}`, truths: then === '' ? [] : then.split(', ') }
        }),
    }))
}

async function play({ rows }: Scenario): Promise<void> {
  const faults = new Map<string, CallFault>()
  const told: Told = {
    world: createTestEngine({
      fault: (kind) => {
        if (told.gone) return kind === 'look_up' ? 'no_answer' : 'lost_before'
        const fault = faults.get(kind) ?? null
        faults.delete(kind)
        return fault
      },
    }),
    faults,
    gone: false,
    paymentId: '',
    answer: '',
  }
  await told.world.ready()
  for (const { act, truths: expected } of rows) {
    const phrase = phrases.find(([pattern]) => pattern.test(act))
    assert.ok(phrase, `nobody knows how to do this: ${act}`)
    const [pattern, perform] = phrase
    await perform(told, ...(pattern.exec(act) ?? []).slice(1))
    const now = await truths(told)
    for (const truth of expected)
      assert.ok(now.has(truth), `${act}: expected "${truth}" in ${[...now].join(', ')}`)
  }
}

const folder = join(import.meta.dirname, 'scenarios')
for (const file of readdirSync(folder)) {
  for (const scenario of readScenarios(readFileSync(join(folder, file), 'utf8'))) {
    assert.ok(scenario.rows.length > 1, `${scenario.title} has no table`)
    test(`${file}: ${scenario.title}`, () => play(scenario))
  }
}
