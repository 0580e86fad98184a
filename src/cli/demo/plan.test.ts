import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

import { parsePlan } from '../../simulator/fault-plan.ts'
import { readBills } from '../bills/read-bills.ts'
import { readDemoBills } from './bills.ts'
import { faultPlan } from './faults.ts'
import { otherWords, scripts } from './scripts.ts'

const text = await readFile(new URL('../../../examples/bills.csv', import.meta.url), 'utf8')
const bills = readDemoBills(text, 'examples/bills.csv')

test('the bills are at least 200, use every script, and name each bill once', () => {
  assert.ok(bills.length >= 200)
  assert.deepEqual(new Set(bills.map(({ script }) => script)), new Set(Object.keys(scripts)))
  const names = bills.flatMap(({ payee, reference }) => [
    `${payee}/${reference}`,
    `${payee}/${otherWords(reference)}`,
  ])
  assert.equal(new Set(names).size, names.length)
})

test('look-alikes are only those that their script means', () => {
  const alike = Map.groupBy(bills, ({ account, payee, amount, currency }) =>
    JSON.stringify([account, payee, amount, currency]),
  )
  for (const group of alike.values()) {
    const expected = group[0]?.script === 'twin' ? 2 : 1
    assert.equal(group.length, expected, group.map(({ id }) => id).join())
  }
})

test('the same file can be paid by `quittance pay`', () => {
  const read = readBills(text, 'csv')
  assert.equal(read.faults, undefined)
  assert.deepEqual(read.bills && read.ignored, ['bill', 'account', 'script'])
})

test('a seed repeats the faults, another one draws others, and the simulator takes the plan', () => {
  const plan = faultPlan(bills, 7)
  assert.deepEqual(faultPlan(bills, 7), plan)
  assert.notDeepEqual(faultPlan(bills, 8).script, plan.script)
  assert.equal(typeof parsePlan(plan, 1), 'object')
  assert.ok(plan.script.length > 100)
})
