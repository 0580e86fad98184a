import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { fingerprintOf } from './fingerprint.ts'

const of = (json: string): string => fingerprintOf('/p', JSON.parse(json))

test('the order of fields does not count, at any depth', () => {
  assert.equal(of('{"a":{"b":1,"c":2},"d":3}'), of('{"d":3,"a":{"c":2,"b":1}}'))
})

test('what differs in meaning differs', () => {
  const texts = [
    '{}',
    '{"a":null}',
    '{"a":0}',
    '{"a":"0"}',
    '{"a":[]}',
    '{"a":{}}',
    '{"a":[1,2]}',
    '{"a":[2,1]}',
    '{"a":""}',
    '{"a":"null"}',
    '[]',
  ]
  assert.equal(new Set(texts.map(of)).size, texts.length)
  assert.notEqual(fingerprintOf('/p', {}), fingerprintOf('/q', {}))
})

test('1.0, 1e0 and 1 are one number', () => {
  assert.equal(new Set(['{"a":1}', '{"a":1.0}', '{"a":1e0}'].map(of)).size, 1)
})

test('two bodies have one fingerprint only if they are equal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
      assert.equal(fingerprintOf('/p', a) === fingerprintOf('/p', b), same)
    }),
  )
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['list', ...value.map(sorted)]
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => ({ name, each: sorted(each) }))
}
