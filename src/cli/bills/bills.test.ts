import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { readAmount } from './amount.ts'
import { readCsv } from './csv.ts'
import { readBills } from './read-bills.ts'

test('an amount has the decimals of its currency in full, and digits alone are never guessed at', () => {
  const cases: readonly (readonly [string, string, number | RegExp])[] = [
    ['1999', 'EUR', /write 1999\.00, or 19\.99 if/],
    ['30', 'EUR', /write 30\.00, or 0\.30 if/],
    ['5', 'KWD', /write 5\.000, or 0\.005 if/],
    ['19.99', 'EUR', 1999],
    ['0.07', 'EUR', 7],
    ['1.1', 'EUR', /write 1\.10/],
    ['1.999', 'EUR', /write 1\.99/],
    ['4200', 'JPY', 4200],
    ['4200.00', 'JPY', /no decimals/],
    ['32.089', 'KWD', 32_089],
    ['0.0001', 'CLF', 1],
    ['0', 'JPY', /from 1 to/],
    ['0.00', 'EUR', /from 1 to/],
    ['10000000000.00', 'EUR', 1_000_000_000_000],
    ['10000000000.01', 'EUR', /from 1 to/],
    ['999999999999999999', 'EUR', /no amount; write 19\.99/],
    ['-5', 'EUR', /no amount; write 19\.99/],
    ['1e3', 'EUR', /no amount; write 19\.99/],
    ['1,999.00', 'EUR', /no amount; write 19\.99/],
    ['19.99', 'eur', /ISO 4217/],
    ['19.99', 'EURO', /ISO 4217/],
  ]
  for (const [text, currency, expected] of cases) {
    const read = readAmount(text, currency)
    if (typeof expected === 'number') assert.equal(read, expected, `${text} ${currency}`)
    else assert.match(String(read), expected, `${text} ${currency}`)
  }
})

test('no amount of decimals goes through a float', () => {
  for (const cents of [1, 7, 10, 29, 57, 58, 113, 1_001, 20_119, 999_999_999_999]) {
    const text = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
    assert.equal(readAmount(text, 'EUR'), cents)
  }
})

test('CSV takes quotes, commas and line breaks in cells, and tells where each row begins', () => {
  const text = '\u{feff}a,b\r\n"x, y","say ""hi""\nthere"\n\n1,\n"open'
  assert.deepEqual(readCsv(text), {
    fault: { line: 6, reason: 'a quote is not closed or in the wrong place' },
  })
  assert.deepEqual(readCsv(text.replace('"open', 'last,"z"')).rows, [
    { line: 1, cells: ['a', 'b'] },
    { line: 2, cells: ['x, y', 'say "hi"\nthere'] },
    { line: 5, cells: ['1', ''] },
    { line: 6, cells: ['last', 'z'] },
  ])
  assert.deepEqual(readCsv('').rows, [])
})

const head = 'payee,reference,amount,currency,description'

test('the batch follows from the bills and from nothing else', () => {
  const csv = readBills(`${head}\nacme,INV-1,19.99,EUR,\n`, 'csv')
  const quoted = readBills(`${head}\r\n"acme","INV-1","19.99",EUR,""`, 'csv')
  const json = readBills(
    '{"payee":"acme","reference":"INV-1","amount":1999,"currency":"EUR"}\n\n',
    'jsonl',
  )
  const other = readBills(`${head}\nacme,INV-1,20.00,EUR,\n`, 'csv')
  assert.ok(csv.bills && quoted.bills && json.bills && other.bills)
  assert.equal(quoted.batch, csv.batch)
  assert.equal(json.batch, csv.batch)
  assert.notEqual(other.batch, csv.batch)
  assert.deepEqual(csv.bills[0]?.request, {
    batch: csv.batch,
    amount: 1999,
    currency: 'EUR',
    payee: 'acme',
    reference: 'INV-1',
  })
})

test('every fault of a file is told by its line, and nothing is returned to be sent', () => {
  const text = [
    head,
    'acme,INV-1,19.9,EUR,',
    'acme,INV-2,5.00,EUR,',
    ',INV-3,5.00,EUR,',
    'ACME , inv-2,5.00,EUR,',
    'x,y',
  ].join('\n')
  const { faults } = readBills(text.replace('\nx,y', ''), 'csv')
  assert.deepEqual(
    faults?.map(({ line, reason }) => `${line} ${reason}`),
    [
      '2 amount "19.9": EUR has 2 decimals; write 19.90',
      '4 payee is missing',
      '5 is the bill of line 3 again: same payee and reference',
    ],
  )
  assert.deepEqual(readBills(text, 'csv').faults, [
    { line: 6, reason: 'has 2 cells, the first line 5' },
  ])
  assert.match(
    readBills('payee,amount\n', 'csv').faults?.[0]?.reason ?? '',
    /missing: reference, currency/,
  )
  assert.deepEqual(readBills('', 'jsonl').faults, [{ line: 1, reason: 'there are no bills' }])
})

test('a JSON number with decimals is never taken for minor units', () => {
  const line = (amount: string) =>
    `{"payee":"a","reference":"r","amount":${amount},"currency":"EUR"}`
  const amountOf = (text: string) => readBills(line(text), 'jsonl').bills?.[0]?.request.amount
  assert.equal(amountOf('19.00'), 1900)
  assert.equal(amountOf('"19.00"'), 1900)
  assert.equal(amountOf('1900'), 1900)
  assert.equal(amountOf('19.0'), undefined)
  assert.equal(amountOf('1.9e3'), undefined)
  // As text it is what a person wrote.
  assert.equal(amountOf('"1900"'), undefined)
  assert.equal(amountOf('0'), undefined)
})

test('columns that are no part of a bill are named, and optional ones are read', () => {
  const text = `{"payee":"a","reference":"r","amount":5,"currency":"EUR","capture":"manual","distinct_from":"pay_1 pay_2","reason":"two","note":"x"}`
  const read = readBills(text, 'jsonl')
  assert.deepEqual(read.bills?.[0]?.request.distinct_from, ['pay_1', 'pay_2'])
  assert.equal(read.bills?.[0]?.request.capture, 'manual')
  assert.deepEqual(read.bills && read.ignored, ['note'])
})

test('the bills of the examples are read, every one', () => {
  const text = readFileSync(new URL('../../../examples/bills.csv', import.meta.url), 'utf8')
  assert.equal(readBills(text, 'csv').bills?.length, 240)
})

test('whole euros in a CSV file are refused before anything is sent', () => {
  const { faults } = readBills('payee,reference,amount,currency\nacme,K3,30,EUR\n', 'csv')
  assert.deepEqual(
    faults?.map(({ reason }) => reason),
    ['amount "30": EUR has 2 decimals; write 30.00, or 0.30 if that is its smallest unit'],
  )
})
