import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { decimalsOf, formatAmount, isAmount, isCurrency, maxAmount } from './money.ts'

test('amounts are positive integers that every store keeps exactly', () => {
  const rows: readonly [number, boolean][] = [
    [1, true],
    [1999, true],
    [1_000_000_000_000, true],
    [1_000_000_000_001, false],
    [0, false],
    [-0, false],
    [-1, false],
    [0.1, false],
    [1999.5, false],
    [2 ** 53, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
  ]
  for (const [amount, expected] of rows) assert.equal(isAmount(amount), expected, String(amount))
})

test('nine thousand of the largest amounts still add up exactly', () => {
  assert.ok(Number.isSafeInteger(9_000 * maxAmount))
})

test('currencies are ISO 4217 codes, written as they are there', () => {
  const rows: readonly [string, number | null][] = [
    ['EUR', 2],
    ['USD', 2],
    ['JPY', 0],
    ['ISK', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['eur', null],
    ['XAU', null],
    ['XTS', null],
    ['BTC', null],
    ['', null],
    ['__proto__', null],
    ['constructor', null],
  ]
  for (const [code, decimals] of rows) {
    assert.equal(decimalsOf(code), decimals, code)
    assert.equal(isCurrency(code), decimals !== null, code)
  }
})

test('an amount is shown with the decimals of its currency', () => {
  const rows: readonly [number, string, string][] = [
    [1999, 'EUR', '19.99 EUR'],
    [5, 'EUR', '0.05 EUR'],
    [50, 'EUR', '0.50 EUR'],
    [1999, 'JPY', '1999 JPY'],
    [1999, 'KWD', '1.999 KWD'],
    [1, 'KWD', '0.001 KWD'],
    [12345, 'CLF', '1.2345 CLF'],
    [-7, 'EUR', '-0.07 EUR'],
    [0, 'EUR', '0.00 EUR'],
    [1_000_000_000_000, 'EUR', '10000000000.00 EUR'],
  ]
  for (const [amount, currency, shown] of rows) assert.equal(formatAmount(amount, currency), shown)
})

test('what is shown is the amount, to the last digit', () => {
  const currency = fc.constantFrom('EUR', 'JPY', 'KWD', 'CLF')
  fc.assert(
    fc.property(fc.integer({ min: -maxAmount, max: maxAmount }), currency, (amount, code) => {
      const [number = '', told] = formatAmount(amount, code).split(' ')
      assert.equal(told, code)
      assert.equal(Number(number.replace('.', '')), amount)
      assert.equal(number.split('.')[1]?.length ?? 0, decimalsOf(code))
    }),
  )
})
