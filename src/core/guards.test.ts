import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import * as build from '../../test/build.ts'
import { shapes } from '../../test/shapes.ts'
import { endedWithoutMoney, keyRowKey, lookAlikeKeys, looksAlike, referenceKey } from './guards.ts'
import { nameFault, normalise } from './normalise.ts'

// Text full of what keys are built with.
const tricky = fc.string({
  unit: fc.constantFrom('a', 'B', '/', '%', '2', 'F', ':', '#', ' ', '|', '.', '~', 'é', '€', '漢'),
  maxLength: 8,
})
const name = tricky.filter((text) => nameFault(text) === null)

test('two bills share a reference row only if account, payee and reference are the same', () => {
  const bill = fc.tuple(tricky, name, name)
  fc.assert(
    fc.property(bill, bill, (one, other) => {
      const same =
        one[0] === other[0] &&
        normalise(one[1]) === normalise(other[1]) &&
        normalise(one[2]) === normalise(other[2])
      assert.equal(referenceKey(...one) === referenceKey(...other), same)
    }),
    { numRuns: 2_000 },
  )
})

test('a separator inside a name moves nothing into its neighbour', () => {
  assert.notEqual(referenceKey('a', 'p', 'r/x'), referenceKey('a', 'x/p', 'r'))
  assert.notEqual(referenceKey('a/b', 'p', 'r'), referenceKey('a', 'p', 'b/r'))
  assert.notEqual(referenceKey('a', 'p', '%2F'), referenceKey('a', 'p', '/'))
  assert.equal(referenceKey('acc_1', 'Acme Ltd', 'INV/1'), 'acc_1/inv%2F1/acme%20ltd')
})

test('two requests share a key row only if agent, route and key are the same', () => {
  const agent = fc.string({ unit: fc.constantFrom('a', '_', '1', '/', '%'), maxLength: 5 })
  const method = fc.constantFrom('POST', 'PUT')
  const path = fc.constantFrom('/v1/payments', '/v1/payments/pay_1/void', '/v1')
  const request = fc.tuple(agent, method, path, tricky)
  fc.assert(
    fc.property(request, request, (one, other) => {
      assert.equal(keyRowKey(...one) === keyRowKey(...other), one.join('\n') === other.join('\n'))
    }),
    { numRuns: 2_000 },
  )
  assert.equal(keyRowKey('agt_1', 'POST', '/v1/payments', 'k/1'), 'agt_1/POST/v1/payments/k%2F1')
})

test('look-alike rows meet by payee or by reference, for one account, amount and currency', () => {
  const bill = {
    account: 'acc_1',
    payee: 'Acme',
    reference: 'INV-1',
    amount: 1000,
    currency: 'EUR',
  }
  const [byPayee, byReference] = lookAlikeKeys(bill)
  const rows: readonly [Partial<typeof bill>, boolean, boolean][] = [
    [{}, true, true],
    [{ payee: ' ACME ' }, true, true],
    [{ reference: 'INV-2' }, true, false],
    [{ payee: 'Acme Ltd' }, false, true],
    [{ amount: 1001 }, false, false],
    [{ currency: 'USD' }, false, false],
    [{ account: 'acc_2' }, false, false],
    [{ payee: 'INV-1', reference: 'Acme' }, false, false],
  ]
  for (const [over, payee, reference] of rows) {
    const [otherByPayee, otherByReference] = lookAlikeKeys({ ...bill, ...over })
    assert.equal(byPayee === otherByPayee, payee, JSON.stringify(over))
    assert.equal(byReference === otherByReference, reference, JSON.stringify(over))
    assert.notEqual(byPayee, otherByReference)
  }
})

test('a payment looks alike while it is open and for ten minutes after it moved money', () => {
  const minutes = 60 * build.seconds
  for (const { payment, state } of shapes()) {
    const open = ['initiated', 'validated', 'authorised'].includes(state)
    const paid = ['captured', 'settled', 'refunded'].includes(state)
    assert.equal(looksAlike(payment, build.t0 + 10 * minutes - 1, null), open || paid, state)
    assert.equal(looksAlike(payment, build.t0 + 10 * minutes, null), open, state)
    assert.equal(endedWithoutMoney(payment), !open && !paid, state)
  }
})

test('a clock that leapt forward does not make money that moved a moment ago old', () => {
  const facts = [
    { type: 'validated' } as const,
    build.opened({ kind: 'authorise' }),
    build.authorised(),
    build.opened({ kind: 'capture' }, { number: 2, objectId: build.objectId }),
    build.captured(),
  ]
  const minutes = 60 * build.seconds
  const paid = build.after(build.claimed(), facts)
  const leap = { byMs: 60 * minutes, atMs: build.t0 + 61 * minutes }
  for (const [afterMs, expected] of [
    [61 * minutes, true],
    [70 * minutes - 1, true],
    [70 * minutes, false],
  ] as const) {
    assert.equal(looksAlike(paid, build.t0 + afterMs, leap), expected)
  }
  // What was captured after the leap has the clock's own age.
  const since = { ...leap, atMs: build.t0 - 1 }
  assert.equal(looksAlike(paid, build.t0 + 10 * minutes, since), false)
})
