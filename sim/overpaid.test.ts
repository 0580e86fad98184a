// Who paid a bill too often is told of, whatever its words; the one excuse is as narrow as it says.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { overpaid } from './overpaid.ts'
import type { Standing, StoredRow } from './witness.ts'

const bill = {
  id: 'bill_1',
  account: 'a',
  payee: 'ACME',
  reference: 'INV-1',
  amount: 100,
  currency: 'EUR',
  meant: 1,
}

const charge = (paymentId: string) => ({
  objectId: `ch of ${paymentId}`,
  paymentId,
  currency: 'EUR',
  status: 'captured' as const,
  amount: 100,
  captured: 100,
  refunded: 0,
  reversed: 0,
})

/** Paid twice, the second time by our clock so long after the first. */
function paidTwice(reference: string, laterMs: number, meant = 1): Standing {
  const rows = [
    { id: 'pay_1', reference: 'INV-1', createdAtMs: 0, capturedAtMs: 1_000 },
    { id: 'pay_2', reference, createdAtMs: 1_000 + laterMs, capturedAtMs: 2_000 + laterMs },
  ].flatMap(({ id, ...payment }): readonly StoredRow[] => [
    { table: 'key', key: `agent/POST/v1/payments/bill_1-${id}`, value: { paymentId: id } },
    { table: 'payment', key: id, value: { payment } },
  ])
  return {
    atMs: 9,
    bills: [{ ...bill, meant }],
    rows,
    events: [],
    unpublished: 0,
    charges: [charge('pay_1'), charge('pay_2')],
  }
}

test('a bill that is paid twice is told of, and one that was meant twice is not', () => {
  const found = overpaid(paidTwice('Invoice INV-1', 60_000), false)
  assert.deepEqual(
    found.map(({ invariant, paymentId }) => [invariant, paymentId]),
    [[1, 'pay_2']],
  )
  assert.deepEqual(overpaid(paidTwice('INV-1/2', 60_000, 2), false), [])
})

test('other words, a clock that leapt, and longer ago by it than the rule looks back: all three excuse it', () => {
  const count = (reference: string, laterMs: number, leapt: boolean): number =>
    overpaid(paidTwice(reference, laterMs), leapt).length
  assert.equal(count('Invoice INV-1', 600_000, true), 0)
  assert.equal(count('INV-1', 600_000, true), 1)
  assert.equal(count('Invoice INV-1', 599_999, true), 1)
  assert.equal(count('Invoice INV-1', 600_000, false), 1)
})
