import assert from 'node:assert/strict'
import { test } from 'node:test'

import { billOf, totalOf, without } from './bill.ts'
import { overBudget } from './budget.ts'

test('counts of so many payments become dollars for a million, the dearest first', () => {
  const lines = billOf({ state_transitions: 50, dynamodb_write_units: 500, api_requests: 20 }, 10)
  assert.deepEqual(
    lines.map(({ unit, units, dollars }) => [unit, units, Math.round(dollars * 100) / 100]),
    [
      ['state_transitions', 5, 125],
      ['dynamodb_write_units', 50, 31.25],
      ['api_requests', 2, 7],
    ],
  )
  assert.equal(Math.round(totalOf(lines) * 100) / 100, 163.25)
})

test('a GB of logs is 2^30 bytes, and memory is billed by the GB-second', () => {
  const [logs, memory] = billOf({ log_bytes: 2 ** 30, lambda_gb_seconds: 10 }, 1_000_000)
  assert.deepEqual([logs?.unit, logs?.dollars], ['log_bytes', 0.5])
  assert.equal(memory?.dollars.toFixed(7), '0.0001333')
})

test('what an idle system uses is taken off, and never becomes less than nothing', () => {
  const counts = without(
    { lambda_invocations: 10, queue_requests: 1 },
    { lambda_invocations: 3, queue_requests: 2 },
    2,
  )
  assert.deepEqual(counts, { lambda_invocations: 4, queue_requests: 0 })
})

test('a unit above its budget is named, one within it is not', () => {
  assert.deepEqual(overBudget({ state_transitions: 50, api_requests: 20 }, 10, 'standard'), [])
  assert.deepEqual(overBudget({ state_transitions: 60, sns_requests: 1 }, 10, 'standard'), [
    'sns_requests: 0.10 for a payment, not 0',
    'state_transitions: 6.00 for a payment, not 5',
  ])
})
