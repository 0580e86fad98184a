// Lists that prove nothing: what is cut short, foreign or half readable is never “not found”.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { lookUpOf } from '../contract/calls.ts'
import { findingIn } from './look-ups.ts'

const query = lookUpOf('records', 'pay_1', null)
const list = { object: 'list', data: [] as unknown[], has_more: false, next_cursor: null }

function finding(status: number, body: unknown, by = query): string {
  const headers = { 'request-id': 'req_1' }
  const result = { result: 'answered', status, headers, body: JSON.stringify(body) } as const
  const { finding, ...rest } = findingIn(by, result, 0)
  return 'cause' in rest ? `${finding}: ${rest.cause}` : finding
}

for (const [what, body, expected] of [
  ['an empty list', list, 'not_found'],
  ['a list with more to come', { ...list, has_more: true }, 'no_answer: incomplete_list'],
  [
    'a list that does not say whether there is more',
    { object: 'list', data: [] },
    'no_answer: unreadable',
  ],
  [
    'a list with something that is no charge',
    { ...list, data: [{ id: 'ch_1' }] },
    'no_answer: unreadable',
  ],
  ['no list', [], 'no_answer: unreadable'],
  ['nothing', null, 'no_answer: unreadable'],
] as const) {
  test(`${what} is ${expected}`, () => assert.equal(finding(200, body), expected))
}

test('a missing route is no missing charge', () => {
  const byObject = lookUpOf('object', 'pay_1', 'ch_1')
  const error = { type: 'invalid_request', code: 'not_found' }
  assert.equal(finding(404, { error }, byObject), 'no_answer: not_found')
  assert.equal(finding(404, { error: { ...error, param: 'id' } }, byObject), 'not_found')
  assert.equal(finding(404, { error: { ...error, param: 'id' } }), 'no_answer: not_found')
})
