import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readRetryAfter } from './retry-after.ts'

const nowMs = Date.UTC(2026, 2, 1, 12)

for (const [header, waitMs] of [
  ['0', 0],
  ['2', 2_000],
  ['0.5', 500],
  [' 1.0001 ', 1_001],
  ['3600', 3_600_000],
  ['86400', 3_600_000],
  ['99999999999999999999', 3_600_000],
  ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
  ['Sun, 01 Mar 2026 11:59:30 GMT', 0],
  ['Tue, 03 Mar 2026 12:00:00 GMT', 3_600_000],
  ['soon GMT', null],
  ['-1', null],
  ['1e9', null],
  ['2026', 2_026_000],
  ['tomorrow', null],
  ['', null],
  [undefined, null],
] as const) {
  test(`Retry-After ${String(header)} is ${String(waitMs)} ms`, () => {
    assert.equal(readRetryAfter(header, nowMs), waitMs)
  })
}
