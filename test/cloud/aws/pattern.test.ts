import assert from 'node:assert/strict'
import { test } from 'node:test'

import { matches } from './pattern.ts'

const event = { source: 'quittance', detail: { seq: 3, tags: ['a', 'b'], drive: true } }

test('every key of a pattern has to fit, one of its values is enough', () => {
  assert.ok(matches({ source: ['other', 'quittance'], detail: { seq: [3] } }, event))
  assert.ok(!matches({ source: ['quittance'], detail: { seq: [4] } }, event))
  assert.ok(!matches({ account: ['1'] }, event))
})

test('the operators that are known', () => {
  assert.ok(matches({ source: [{ prefix: 'quit' }] }, event))
  assert.ok(!matches({ source: [{ prefix: 'x' }] }, event))
  assert.ok(matches({ detail: { missing: [{ exists: false }], seq: [{ exists: true }] } }, event))
  assert.ok(matches({ source: [{ 'anything-but': ['a', 'b'] }] }, event))
  assert.ok(!matches({ source: [{ 'anything-but': { prefix: 'q' } }] }, event))
  assert.ok(matches({ detail: { seq: [{ numeric: ['>', 2, '<=', 3] }] } }, event))
  assert.ok(!matches({ detail: { seq: [{ numeric: ['>', 3] }] } }, event))
})

test('of a list one element is enough', () => {
  assert.ok(matches({ detail: { tags: ['b'] } }, event))
  assert.ok(!matches({ detail: { tags: ['c'] } }, event))
})

test('an operator that is not known is refused', () => {
  assert.throws(() => matches({ source: [{ wildcard: '*' }] }, event), /wildcard/)
})
