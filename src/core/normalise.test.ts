import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  holdsCardNumber,
  maxNameLength,
  nameFault,
  normalise,
  normalisationVersion,
} from './normalise.ts'

test('names that mean the same bill are the same name', () => {
  const rows: readonly [string, string][] = [
    ['INV-1', 'inv-1'],
    ['  Acme   Ltd ', 'acme ltd'],
    ['Acme\u00a0Ltd', 'acme ltd'], // no-break space
    ['Acme\u3000Ltd', 'acme ltd'], // ideographic space
    ['ＩＮＶ－１', 'inv-1'], // full width
    ['①', '1'],
    ['ﬁnance', 'finance'],
    ['Straße', 'strasse'],
    ['STRASSE', 'strasse'],
    ['e\u0301', 'é'], // combining acute
    ['\u212b', 'å'], // ångström sign
    ['ΟΔΟΣ', 'οδος'],
  ]
  for (const [raw, expected] of rows) assert.equal(normalise(raw), normalise(expected), raw)
  assert.equal(normalise('  ＩＮＶ－１ '), 'inv-1')
})

test('names that differ stay different, look-alike letters of another script included', () => {
  const rows: readonly [string, string][] = [
    ['INV-1', 'INV-l'],
    ['INV-1', 'INV 1'],
    ['INV-10', 'INV-1O'],
    ['acme', '\u0430cme'], // Cyrillic а: the guards do not see homoglyphs, nor should they guess
    ['a-b', 'a\u2013b'],
    ['1000', '1,000'],
    ['café', 'cafe'],
  ]
  for (const [one, other] of rows) assert.notEqual(normalise(one), normalise(other), one)
})

const anyText = fc.string({ unit: 'binary', maxLength: 40 })

test('normalising twice changes nothing more', () => {
  fc.assert(
    fc.property(anyText, (text) => assert.equal(normalise(normalise(text)), normalise(text))),
    { numRuns: 20_000 },
  )
})

test('every single character normalises to something stable', () => {
  const unstable: string[] = []
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const once = normalise(String.fromCodePoint(code))
    if (normalise(once) !== once) unstable.push(code.toString(16))
  }
  assert.deepEqual(unstable, [])
})

test('case, outer space and composition never make another name', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.equal(normalise(` ${text}  `), normalise(text))
      assert.equal(normalise(text.normalize('NFD')), normalise(text))
    }),
    { numRuns: 5_000 },
  )
})

test('a name that hides something is refused', () => {
  const rows: readonly [string, RegExp | null][] = [
    ['INV-1', null],
    ['Möbel & Söhne GmbH', null],
    ['株式会社', null],
    ['I ❤️ Coffee', null],
    ['INV\u0000-1', /control/],
    ['INV\n1', /control/],
    ['INV\t1', /control/],
    ['INV\u007f', /control/],
    ['INV\u202e1', /control/], // right-to-left override
    ['INV\u2066x', /control/], // isolate
    ['INV\u200b1', /control/], // zero-width space
    ['INV\u200d1', /control/], // zero-width joiner
    ['INV\u00ad1', /control/], // soft hyphen
    ['INV\ufeff1', /control/], // byte order mark
    ['INV\u034f1', /control/], // combining grapheme joiner
    ['INV\u115f1', /control/], // Hangul filler
    ['INV\u17b41', /control/], // Khmer vowel that is not shown
    ['INV\u180b1', /control/], // Mongolian variation selector
    ['INV\u28001', /control/], // Braille blank
    ['INV\u{e0041}1', /control/], // tag letter
    ['INV\u{e0100}1', /control/], // variation selector 17
    ['INV\ud8001', /control/], // half a surrogate pair
    ['INV\u2028', /control/],
    ['', /empty/],
    ['   ', /empty/],
    ['\u00a0', /empty/],
    ['x'.repeat(256), null],
    ['x'.repeat(257), /longer/],
    ['x'.repeat(10_000), /longer/],
  ]
  for (const [name, expected] of rows) {
    const fault = nameFault(name)
    if (expected === null) assert.equal(fault, null, JSON.stringify(name))
    else assert.match(String(fault), expected, JSON.stringify(name))
  }
})

test('two names that pass and look the same are the same: nothing invisible tells them apart', () => {
  const invisible = fc.constantFrom(
    '\ufe0f',
    '\ufe0e',
    '\u200b',
    '\u034f',
    '\u2060',
    '\u00ad',
    '\u115f',
    '\u{e0100}',
  )
  const word = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('a', 'B', '1', '-') })
  fc.assert(
    fc.property(word, invisible, word, (head, hidden, tail) => {
      const name = head + hidden + tail
      assert.ok(nameFault(name) !== null || normalise(name) === normalise(head + tail))
    }),
  )
})

test('a name that passes has a key: nothing in it makes the encoding throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: maxNameLength }), (text) => {
      if (nameFault(text) === null) encodeURIComponent(normalise(text))
    }),
  )
})

test('the rule has a number, so that a change of it is a decision', () => {
  assert.equal(normalisationVersion, 1)
})

// ── Card numbers ─────────────────────────────────────────────────────────────────────────────────

test('a card number is found in one run, in the groups of a card, and among other words', () => {
  const cards = [
    '4242424242424242',
    '4242 4242 4242 4242',
    '4242-4242-4242-4242',
    '5555 5555 5555 4444',
    '2223 0031 2200 3222',
    '3782 822463 10005',
    '378282246310005',
    '6011 1111 1111 1117',
    '3056 930902 5904',
    '3566002020360505',
    '6200000000000005',
    '４２４２ ４２４２ ４２４２ ４２４２',
    '4242\u00a04242\u00a04242\u00a04242',
    'card:4242424242424242,exp 12/30',
    'order 2024 4242 4242 4242 4242',
    '1111-4242-4242-4242-4242',
    'x4242424242424242x',
    'deadbeef-4242-4242-4242-4242abcdef01 4242424242424242',
  ]
  for (const text of cards) assert.equal(holdsCardNumber(text), true, text)
})

test('order numbers, accounts and near misses are no card numbers', () => {
  const others = [
    '4242424242424241', // Luhn fails
    '1234567890123456', // no issuer
    '0000000000000000',
    '20240115123456',
    'INV-2024-0001',
    'DE89370400440532013000', // IBAN
    '42424242424242424242', // twenty digits
    '4242 4242 4242',
    '4242  4242  4242  4242',
    '+49 170 1234567',
    '9999 4242 4242 4241 4242',
    'deadbeef-4242-4242-4242-4242abcdef01', // UUID
    'Order 1F4242424242424242A9C0FFEE0DDC0DE5', // MD5
    'pay_01M84ZPZAA4111111111111111', // an id of ours
    '',
  ]
  for (const text of others) assert.equal(holdsCardNumber(text), false, text)
})

test('one wrong digit is never taken for a card number', () => {
  const digit = fc.integer({ min: 0, max: 15 })
  fc.assert(
    fc.property(digit, fc.integer({ min: 1, max: 9 }), (at, by) => {
      const digits = '4242424242424242'.split('').map(Number)
      digits[at] = ((digits[at] ?? 0) + by) % 10
      assert.equal(holdsCardNumber(digits.join('')), false)
    }),
  )
})

test('a hostile text of ten thousand digits is judged at once', () => {
  const startedMs = performance.now()
  for (const text of ['4'.repeat(10_000), '4242 '.repeat(2_000), '4242-'.repeat(2_000)]) {
    holdsCardNumber(text)
    nameFault(text)
    normalise(text)
  }
  assert.ok(performance.now() - startedMs < 1_000)
})
