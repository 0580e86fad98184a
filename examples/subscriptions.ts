// The subscriptions of a month, paid by a job that a scheduler may start twice, at the same time, and again
// after a crash. Runs like `agent.ts`, and as often as you like.
import assert from 'node:assert/strict'

import { createAgentClient } from '../src/client/index.ts'
import type { Completion, PaymentRequest } from '../src/client/index.ts'
import { settings } from './settings.ts'

const period = '2026-11'
const seats = ['anna', 'ben', 'chloe', 'dmitri', 'emma', 'farid']

// The reference says what is paid: this seat, this month. One payee and one price look like the same bill
// six times over; one `batch` says that they are not.
const bills: readonly PaymentRequest[] = seats.map((seat) => ({
  amount: 1200,
  currency: 'EUR',
  payee: 'Tools for Teams',
  reference: `seat ${seat} ${period}`,
  batch: `seats ${period}`,
}))

const client = createAgentClient(settings)
const run = (): Promise<readonly Completion[]> =>
  Promise.all(bills.map((bill) => client.complete(bill)))

// Two runs at once, as when a scheduler fires twice, and one more afterwards.
const [one, other] = await Promise.all([run(), run()])
const later = await run()

for (const [index, bill] of bills.entries()) {
  const told = [one[index], other[index], later[index]]
  const ids = new Set(
    told.map((each) => (each?.outcome === 'paid' ? each.payment.id : each?.outcome)),
  )
  assert.equal(ids.size, 1, `${bill.reference}: ${JSON.stringify(told)}`)
  assert.equal(later[index]?.outcome, 'paid', bill.reference)
}

const found = await client.list({ limit: 100 })
assert.ok(found.ok)
const mine = found.payments.filter(({ batch }) => batch === `seats ${period}`)
assert.equal(mine.length, bills.length, 'one payment for each seat')
console.log(`${mine.length} subscriptions of ${period}, each paid once by three runs`)
