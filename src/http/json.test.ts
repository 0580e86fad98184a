import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { jsonPointer, maxDepth, parseJson } from './json.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

test('JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.nat(4), (json, spaces) => {
      fc.pre(!json.includes('__proto__') && !/\d[eE.]|\d{15}/.test(json))
      const text = JSON.stringify(JSON.parse(json), null, spaces)
      assert.deepEqual(parseJson(text), { value: JSON.parse(text) })
    }),
  )
})

test('what JSON.parse refuses is refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parses = (() => {
        try {
          return JSON.parse(text) !== undefined
        } catch {
          return false
        }
      })()
      if (!parses) assert.notEqual(parseJson(text).wrong, undefined)
    }),
  )
})

test('a key that is given twice is refused and named, however it is written', () => {
  for (const text of ['{"a":{"b":1,"b":2}}', '{"a":{"b":1,"c":[{"b":3}],"\\u0062":2}}']) {
    assert.deepEqual(parseJson(text).faults, [{ pointer: '/a/b', reason: 'is given twice' }])
  }
})

test('the same key in two objects is not given twice', () => {
  assert.equal(
    parseJson('[{"a":1},{"a":"{\\"a\\":1,\\"a\\":2}"},{"b":{"a":1},"a":2}]').wrong,
    undefined,
  )
})

test('__proto__ is refused as a name at any depth', () => {
  const [fault] = parseJson('{"metadata":{"__proto__":{"a":1}}}').faults ?? []
  assert.equal(fault?.pointer, '/metadata/__proto__')
  const [escaped] = parseJson('{"\\u005f_proto__":1}').faults ?? []
  assert.equal(escaped?.pointer, '/__proto__')
})

test('a number that a double rounds is refused', () => {
  for (const literal of [
    '9007199254740993',
    '1.0000000000000000001',
    '1e400',
    '123456789012345678901234567890',
    '9.007199254740993e15',
    '-9007199254740993',
  ]) {
    assert.equal(parseJson(`{"amount":${literal}}`).faults?.[0]?.pointer, '/amount', literal)
  }
  for (const literal of ['1999', '1.0', '19.99', '-0', '2e3', '9007199254740991', '0.1']) {
    assert.equal(parseJson(`[0,${literal}]`).wrong, undefined, literal)
  }
})

test('a place in an array is named by its index', () => {
  assert.equal(parseJson('{"a":[1,{"b":[0,1e999]}]}').faults?.[0]?.pointer, '/a/1/b/1')
})

test('nesting ends where nobody needs it', () => {
  assert.equal(parseJson(nested(maxDepth)).wrong, undefined)
  assert.match(parseJson(nested(maxDepth + 1)).wrong ?? '', /deeper/)
  assert.match(parseJson(nested(30_000)).wrong ?? '', /deeper/)
})

test('a pointer escapes its parts and stays short', () => {
  assert.equal(jsonPointer(['a/b', 'c~d', 0]), '/a~1b/c~0d/0')
  assert.equal(jsonPointer(['x'.repeat(500)]).length, 101)
})

test('what does not parse is told by its place, and what was sent is not repeated', () => {
  assert.equal(parseJson('{\n  "a": secret}').wrong, 'It does not parse: line 2, column 8.')
  assert.equal(parseJson('{"a":1,}').wrong, 'It does not parse: line 1, column 8.')
  assert.equal(parseJson('{"a":"x" "b"}').wrong, 'It does not parse: line 1, column 10.')
  assert.equal(parseJson('{"a":"x').wrong, 'It does not parse: it ends too early.')
  assert.equal(parseJson('{"a":').wrong, 'It does not parse: it ends too early.')
  const twice = parseJson('{"a":{"b":1,"b":2}}').wrong
  assert.equal(twice, 'It could be read in two ways: /a/b is given twice.')
})
