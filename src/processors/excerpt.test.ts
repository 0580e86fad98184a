import assert from 'node:assert/strict'
import { test } from 'node:test'

import { excerptOf } from './excerpt.ts'

for (const [what, text, expected] of [
  ['our key', 'a key_of_ours b', 'a [secret] b'],
  ['an authorisation', 'Authorization: Bearer abc.def-123', 'Authorization: [secret]'],
  ['a key of Stripe’s', 'with sk_live_4eC39H_x!', 'with [secret]!'],
  ['a secret by its name', '{"client_secret": "pi_1_secret_2","id":1}', '{[secret],"id":1}'],
  ['a card', 'no 4242424242424242.', 'no [digits].'],
  ['a card in groups', 'no 4242 4242 4242 4242.', 'no [digits].'],
  ['a card of American Express', 'no 3782-822463-10005.', 'no [digits].'],
  ['controls and lines', 'a\r\n\tb\u0000c\u202ed', 'a b c d'],
  ['nothing', ' \n', null],
] as const) {
  test(`${what} is taken out`, () => {
    assert.equal(excerptOf(text, ['key_of_ours', '']), expected)
  })
}

test('amounts, times and ids stay', () => {
  const text = '{"id":"ch_0mx2k","amount":199900,"at":"2026-03-01T12:00:00.000Z"}'
  assert.equal(excerptOf(text, []), text)
})

test('a secret at the cut is taken out before the cut', () => {
  const excerpt = excerptOf(`${'x'.repeat(295)}key_of_ours`, ['key_of_ours'])
  assert.equal(excerpt, `${'x'.repeat(295)}[secr`)
})
