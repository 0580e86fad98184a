// The page of a run: what stands on it, and that nobody gets out of the text.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import type { Break, Reconciliation } from '../../client/index.ts'
import { grouped } from './charts.ts'
import { reportPage } from './page.ts'
import type { Reported } from './figures.ts'

const run: Reconciliation = {
  id: 'rec_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  object: 'reconciliation',
  status: 'finished',
  processor: 'simulated',
  requested_by: 'schedule',
  from: '2026-01-21T12:20:00.000Z',
  to: '2026-01-31T12:20:00.000Z',
  started_at: '2026-01-31T12:20:00.000Z',
  ended_at: '2026-01-31T12:20:02.000Z',
  cause: null,
  payments: 3_000,
  records: 3_001,
  foreign: 2,
  matched: 2_999,
  matchable: 3_000,
  match_rate: 2_999 / 3_000,
  totals: { EUR: { ours: 1_234_567, theirs: 1_234_667, matched: 1_234_467 } },
  breaks: { amount_mismatch: 1 },
  evidence: 3,
  file: null,
}

const found = (over: Partial<Break> = {}): Break => ({
  id: 'brk_0123456789abcdef0123456789',
  object: 'break',
  status: 'open',
  type: 'amount_mismatch',
  severity: 'high',
  meaning: '',
  processor: 'simulated',
  payment_id: 'pay_1',
  processor_reference: 'ch_1',
  currency: 'EUR',
  value_at_risk: 100,
  ours: 'captured, 10.00 EUR captured',
  theirs: 'ch_1: captured, 9.00 EUR captured',
  age_seconds: 9 * 86_400,
  first_seen_at: '2026-01-22T11:20:00.000Z',
  last_seen_at: '2026-01-31T12:20:00.000Z',
  first_run: 'rec_1',
  last_run: 'rec_2',
  by: null,
  reason: null,
  ended_at: null,
  version: 2,
  ...over,
})

const pageOf = (over: Partial<Reported> = {}): string =>
  reportPage({
    run,
    breaks: [found()],
    isCut: false,
    oldestUnknown: null,
    madeAt: '2026-01-31T12:21:00.000Z',
    ...over,
  })

const wordsOf = (page: string): string =>
  page
    .replace(/<style>.*<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')

test('the page says how much agrees, by count and value, and what each side has alone', () => {
  const words = wordsOf(pageOf())
  for (const told of [
    '99.96 %',
    '2,999 of 3,000 payments',
    '99.98 % EUR',
    '12,345.67 EUR 12,346.67 EUR 12,344.67 EUR 1.00 EUR 2.00 EUR -1.00 EUR',
    'This run found 1 differences. 1 breaks are open now, 1 of them critical or high, with 1.00 EUR at risk',
    'Oldest open break 9 days',
    'captured, 10.00 EUR captured',
    'ch_1: captured, 9.00 EUR captured',
  ]) {
    assert(words.includes(told), `${told} is not in: ${words}`)
  }
})

test('whatever others wrote stays text, and nothing is loaded or run', () => {
  const hostile = `"><script>alert(1)</script>' onload=x &lt; \u202e\u0000 \${x}`
  const page = pageOf({
    run: { ...run, processor: hostile, requested_by: hostile, status: 'failed', cause: hostile },
    breaks: [found({ ours: hostile, theirs: hostile, by: hostile, reason: hostile })],
    oldestUnknown: { id: hostile, since: run.from },
  })
  for (const [tag] of page.matchAll(/<[^>]*>/g)) assert(!/alert|onload|script/.test(tag), tag)
  assert(!page.includes('\u202e') && !page.includes('\u0000'))
  const tags = new Set([...page.matchAll(/<([a-z0-9]+)/g)].map(([, name]) => name))
  for (const banned of ['script', 'img', 'link', 'iframe', 'a', 'form', 'object']) {
    assert(!tags.has(banned), banned)
  }
  assert(!/\b(https?:|url\(|style=|on[a-z]+=")/.test(page))
})

test('the policy allows this very style and nothing else', () => {
  const page = pageOf()
  const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64').replaceAll('+', '&#43;')
  assert(page.replaceAll('+', '&#43;').includes(`&#39;sha256-${hash}&#39;`))
  assert(page.includes('default-src &#39;none&#39;'))
})

test('a clean run says so, and a run over a file names it', () => {
  const clean = { ...run, breaks: {}, match_rate: 1 }
  const file = { id: 'stf_1', name: 'a<b>.csv', exclusive: false, batches: ['12'], repeats: [] }
  const page = pageOf({ run: { ...clean, file }, breaks: [] })
  const words = wordsOf(page)
  assert(words.includes('Both sides agree.'))
  assert(words.includes('a&#60;b&#62;.csv'))
  assert(!words.includes('Evidence, side by side'))
})

test('amounts are grouped by thousands, and no more than that', () => {
  assert.equal(grouped(123_456_789, 'EUR'), '1,234,567.89 EUR')
  assert.equal(grouped(-100_000, 'JPY'), '-100,000 JPY')
  assert.equal(grouped(99, 'EUR'), '0.99 EUR')
})
