// Payee and reference as the guards compare them. Normalised once, here, by a numbered rule: a row
// written under one rule must never be compared under another.

export const normalisationVersion = 1

/** Longest payee, reference, batch or payment method, in UTF-16 units. */
export const maxNameLength = 256

// Control, format and bidirectional characters, lone surrogates, line and paragraph separators, and
// all else that shows nothing: two names that look the same to a person must not differ by something
// that nobody can see. The selectors that make a sign an emoji or plain text are left out instead.
const forbidden =
  /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]--[\ufe0e\ufe0f]]/v
const presentation = /[\ufe0e\ufe0f]/g

/**
 * NFKC, trimmed, inner white space collapsed, case folded. Refuses nothing: see `nameFault`. Lower,
 * upper and lower again, because ẞ has a lower case that only then becomes `ss`.
 */
export function normalise(name: string): string {
  return name
    .normalize('NFKC')
    .replace(presentation, '')
    .trim()
    .replace(/\s+/gu, ' ')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
}

/** What is wrong with a name, as a sentence, or `null`. */
export function nameFault(name: string): string | null {
  if (name.length > maxNameLength) return `is longer than ${maxNameLength} characters`
  if (forbidden.test(name)) return 'contains a control, format or bidirectional character'
  if (normalise(name) === '') return 'is empty'
  return null
}

const issuers =
  /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17})$/

// Digits in one run, or in the groups in which cards print them. Looked for from each group on,
// because a year or a number may stand before the card.
const cardLike =
  /(?<!\d)(?=(\d{13,19}|\d{4}([ -])\d{4}\2\d{4}\2\d{1,7}|\d{4}([ -])\d{6}\3\d{4,5})(?!\d))/g

// A UUID, a hash or an id of ours is random: now and then one holds digits that look like a card.
const randomId =
  /(?<![\da-z])(?:[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|[\da-f]{32,}|[a-z]{3}_[\da-hjkmnp-tv-z]{26})(?![\da-z])/gi

/** Does the text hold a card number: issuer prefix, length and Luhn, digits perhaps in groups? */
export function holdsCardNumber(text: string): boolean {
  const others = text.normalize('NFKC').replace(randomId, '#')
  for (const [, run = ''] of others.matchAll(cardLike)) {
    const digits = run.replace(/[ -]/g, '')
    if (issuers.test(digits) && passesLuhn(digits)) return true
  }
  return false
}

function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
