// A badly behaved model: it asks again after every dropped stream, words each request anew, asks in
// parallel, opens new sessions on either transport, cancels what it has asked for, and otherwise does what
// the answers say. The processor loses answers meanwhile. Money moves once for each bill.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Client } from '@modelcontextprotocol/client'

import { randomOf } from '../cli/demo/random.ts'
import type { Random } from '../cli/demo/random.ts'
import { normalise } from '../core/normalise.ts'
import { call, connectHttp, connectStdio, openToolWorld } from './testkit.ts'
import type { Called } from './testkit.ts'

interface Bill {
  readonly amount: number
  readonly currency: string
  readonly payee: string
  readonly reference: string
}

const bills = Array.from({ length: 8 }, (_, index): Bill => ({
  amount: 1_000 + index,
  currency: 'EUR',
  payee: index % 4 === 3 ? 'acct_declined' : `Vendor ${index}`,
  reference: `INV-${index}`,
}))

/** Lets every request through, and loses every other answer on its way back. */
function droppingFetch(random: Random): { fetch: typeof fetch; dropped: () => number } {
  let count = 0
  const dropping: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const isCall = typeof init?.body === 'string' && init.body.includes('tools/call')
    if (!isCall || random.next() < 0.5) return response
    count += 1
    await response.body?.cancel()
    throw new TypeError('the stream broke')
  }
  return { fetch: dropping, dropped: () => count }
}

const wordings = ['', 'urgent', 'as discussed', 'please pay', 'second try']

/** How the processor's own record names the bill. */
const hashOf = ({ payee, reference }: Bill): string =>
  hash('sha256', JSON.stringify([normalise(payee), normalise(reference)]))

/** As it is on the bill, or as a model mangles it. */
const spelt = (text: string, random: Random): string =>
  random.pick([text, ` ${text}`, text.toLowerCase(), text.toUpperCase()])

async function asks(
  sessions: readonly Client[],
  bill: Bill,
  random: Random,
): Promise<Called | null> {
  const session = sessions[random.integer(0, sessions.length - 1)]
  assert.ok(session !== undefined)
  const description = random.pick(['', ...wordings])
  const isSloppy = random.next() < 0.3
  const request = {
    ...bill,
    ...(isSloppy
      ? { payee: spelt(bill.payee, random), reference: spelt(bill.reference, random) }
      : {}),
    ...(description === '' ? {} : { description, metadata: { thought: description } }),
  }
  const patience = new AbortController()
  const isImpatient = random.next() < 0.3
  if (isImpatient) void sleep(random.integer(1, 60)).then(() => patience.abort())
  return call(session, 'pay', request, { signal: patience.signal }).catch(() => null)
}

/** Does blindly what the answer says, as often as it says so. */
async function follows(session: Client, bill: Bill, first: Called): Promise<Called> {
  let told = first
  for (let steps = 0; steps < 12; steps += 1) {
    const { payment, problem, next_action: next, new_key_allowed: mayRetry } = told.answer
    const id = payment?.id ?? problem?.existing_payment?.id
    if (next.type === 'retry_same_key') told = await call(session, 'pay', { ...bill })
    else if ((next.type === 'wait' || problem !== null) && id !== undefined) {
      told = await call(session, 'wait_for_payment', { payment_id: id, seconds: 5 })
    } else if (next.type === 'none' && mayRetry && id !== undefined) {
      told = await call(session, 'pay', { ...bill, retry_of: id })
    } else return told
  }
  return told
}

async function story(t: TestContext, url: string, bill: Bill, random: Random, stdio: Client) {
  const wire = droppingFetch(random)
  const sessions = [
    await connectHttp(t, url, { era: 'auto', fetch: wire.fetch }),
    await connectHttp(t, url, { fetch: wire.fetch }),
    stdio,
  ]
  await Promise.all(Array.from({ length: 4 }, () => asks(sessions, bill, random)))
  // The sessions are lost; a new one knows nothing but the bill.
  const fresh = await connectHttp(t, url)
  const end = await follows(fresh, bill, await call(fresh, 'pay', { ...bill }))
  return { end, dropped: wire.dropped() }
}

test('whatever a model does, each bill is paid once or not at all, and it is told which', async (t) => {
  const seed = Number(process.hrtime.bigint() % 1_000_000n)
  t.diagnostic(`seed ${seed}`)
  const { url, charges, faults } = await openToolWorld(t)
  await faults({
    seed,
    rates: {
      authorise: { '504_after': 0.2, reset_after: 0.1, late: 0.1 },
      capture: { '504_after': 0.2 },
    },
  })
  const stdio = await connectStdio(t, url)
  const told = await Promise.all(
    bills.map((bill) => story(t, url, bill, randomOf(seed, bill.reference), stdio)),
  )
  assert.ok(told.reduce((sum, { dropped }) => sum + dropped, 0) > 0, 'no stream was dropped')
  const booked = await charges()
  for (const [index, bill] of bills.entries()) {
    const { end } = told[index] ?? assert.fail()
    const mine = booked.filter(({ metadata }) => metadata.reference_hash === hashOf(bill))
    const captures = mine.reduce((sum, each) => sum + each.captures, 0)
    const isPayable = bill.payee !== 'acct_declined'
    const what = `${bill.reference}: ${JSON.stringify([mine, end.answer])}`
    assert.equal(captures, isPayable ? 1 : 0, what)
    assert.equal(end.answer.money_moved, isPayable ? 'yes' : 'no', what)
  }
})

test('a closed stream and a cancelled call leave a claimed payment alone', async (t) => {
  const { url, charges, faults } = await openToolWorld(t)
  await faults({ rates: { authorise: { slow: 1 } } })
  const client = await connectHttp(t, url, { era: 'auto' })
  const bill = { amount: 500, currency: 'EUR', payee: 'acme', reference: 'INV-9' }
  const leaving = new AbortController()
  const asked = call(client, 'pay', bill, { signal: leaving.signal })
  await sleep(150)
  leaving.abort()
  await assert.rejects(asked)
  await client.close()
  const other = await connectHttp(t, url)
  const found = await call(other, 'find_payments', { reference: 'inv-9' })
  assert.equal(found.answer.payments?.[0]?.void_requested, null)
  const again = await call(other, 'pay', { ...bill, description: 'after the stream broke' })
  assert.equal(again.answer.payment?.id, found.answer.payments?.[0]?.id)
  assert.deepEqual([again.answer.money_moved, again.answer.replayed], ['yes', true])
  assert.deepEqual(
    (await charges()).map(({ captures }) => captures),
    [1],
  )
})
