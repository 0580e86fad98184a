import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  isJson,
  readBearer,
  readIdempotencyKey,
  readVersion,
  readWaitSeconds,
  requestIdOf,
  traceIdOf,
} from './headers.ts'

const table = <Input, Output>(
  read: (input: Input) => Output,
  rows: readonly (readonly [Input, Output])[],
): void => {
  for (const [input, output] of rows) assert.deepEqual(read(input), output, JSON.stringify(input))
}

test('a key is read quoted or bare, and nothing else is a key', () => {
  table(readIdempotencyKey, [
    ['abc-1', 'abc-1'],
    ['"abc-1"', 'abc-1'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['a"b', 'a"b'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    ['x'.repeat(256), null],
    ['', null],
    ['""', null],
    ['"', null],
    ['"abc', null],
    ['"a"b"', null],
    ['"a b"', null],
    ['a b', null],
    ['one, two', null],
    ['"abc";a=1', null],
    ['schlüssel', null],
    ['a\tb', null],
  ])
})

test('a wish to wait is read where it can be, and shortened', () => {
  table(readWaitSeconds, [
    ['wait=10', 10],
    ['respond-async, wait=7', 7],
    ['Wait="3"; x', 3],
    ['wait=999999', 25],
    ['wait=0', 0],
    ['wait=-1', 0],
    ['wait=1.5', 0],
    ['wait=soon', 0],
    ['await=9', 0],
    [undefined, 0],
  ])
})

test('a version is one number, quoted or bare', () => {
  table(readVersion, [
    ['"6"', 6],
    ['6', 6],
    ['"6', null],
    ['6"', null],
    ['*', null],
    ['W/"6"', null],
    ['"6", "7"', null],
    ['', null],
    [undefined, null],
  ])
})

test('a bearer token has no spaces', () => {
  table(readBearer, [
    ['Bearer abc', 'abc'],
    ['bearer  abc', 'abc'],
    ['Bearer', null],
    ['Bearer a b', null],
    ['Basic abc', null],
    [undefined, null],
  ])
})

test('only JSON in UTF-8 is JSON', () => {
  table(isJson, [
    ['application/json', true],
    ['Application/JSON; charset=utf-8', true],
    ['application/json;charset="UTF-8"', true],
    ['application/json; charset=latin1', false],
    ['application/jsonp', false],
    ['application/x-www-form-urlencoded', false],
    ['text/plain, application/json', false],
    [undefined, false],
  ])
})

test('a request id is kept where it is harmless, else made', () => {
  assert.equal(requestIdOf('trace-1'), 'trace-1')
  assert.match(requestIdOf('<script>'), /^req_/)
  assert.match(requestIdOf('x'.repeat(200)), /^req_/)
  assert.notEqual(requestIdOf(undefined), requestIdOf(undefined))
})

test('a trace goes on where its header is valid, as W3C says, and else begins', () => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736'
  const parent = '00f067aa0ba902b7'
  table(traceIdOf, [
    [`00-${id}-${parent}-01`, id],
    [`00-${id}-${parent}-00`, id],
    // A later version may say more.
    [`cc-${id}-${parent}-01-what-comes`, id],
  ])
  const invalid = [
    undefined,
    '',
    id,
    `00-${id}-${parent}-01-more`,
    `ff-${id}-${parent}-01`,
    `00-${id.toUpperCase()}-${parent}-01`,
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${id}-${'0'.repeat(16)}-01`,
    `00-${id}-${parent}`,
    `00-${id}-${parent}-01, 00-${id}-${parent}-01`,
  ]
  const made = invalid.map(traceIdOf)
  for (const [index, each] of made.entries()) assert.match(each, /^[0-9a-f]{32}$/, invalid[index])
  assert.equal(new Set([...made, id]).size, invalid.length + 1)
})
