import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { backoffMs, defaultPolicy } from './policy.ts'

test('a backoff is at least a millisecond and at most its exponential ceiling', () => {
  const pace = fc.record({
    baseMs: fc.integer({ min: 1, max: 60_000 }),
    capMs: fc.integer({ min: 1, max: 3_600_000 }),
  })
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), pace, (id, count, bounds) => {
      const waitMs = backoffMs(id, count, bounds)
      assert.ok(Number.isInteger(waitMs) && waitMs >= 1)
      assert.ok(waitMs <= bounds.capMs)
      if (count < 20) assert.ok(waitMs <= bounds.baseMs * 2 ** (count - 1))
    }),
    { numRuns: 5_000 },
  )
})

test('the same attempt and count always wait the same: every reader agrees', () => {
  assert.equal(backoffMs('att_1', 1, { baseMs: 500, capMs: 60_000 }), 158)
  assert.equal(backoffMs('att_1', 2, { baseMs: 500, capMs: 60_000 }), 854)
  assert.equal(backoffMs('att_2', 1, { baseMs: 500, capMs: 60_000 }), 300)
})

test('different attempts spread over the whole range: no herd comes back at once', () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => `att_01J${index}_capture_${index % 7}`)
  const tenths = Array.from({ length: 10 }, () => 0)
  for (const id of ids) {
    const tenth = Math.min(
      9,
      Math.floor((backoffMs(id, 20, { baseMs: 500, capMs: 60_000 }) - 1) / 6_000),
    )
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  // Even would be 1,000 each; five standard deviations are 150.
  for (const count of tenths) assert.ok(count > 850 && count < 1_150, tenths.join(' '))
})

test('the bounds of one send follow each other: on its way, given up, recovered', () => {
  const { startSendWithinMs, callTimeoutMs, recoverAfterMs } = defaultPolicy
  assert.ok(startSendWithinMs < callTimeoutMs)
  assert.ok(callTimeoutMs < recoverAfterMs)
})

test('the defaults are these', () => {
  const retry = { maxSends: 10, maxSendsPerAttempt: 4, baseMs: 500, capMs: 60_000 }
  assert.deepEqual(defaultPolicy, {
    retry: { create: retry, authorise: retry, capture: retry, void: retry, refund: retry },
    inquiry: { max: 12, baseMs: 500, capMs: 60_000 },
    pending: { baseMs: 1_000, capMs: 3_600_000, parkAfterMs: 86_400_000 },
    startSendWithinMs: 2_000,
    callTimeoutMs: 10_000,
    recoverAfterMs: 15_000,
    keyWindowMarginMs: 3_600_000,
    clockErrorMs: 60_000,
    blockedCheck: { baseMs: 1_000, capMs: 300_000 },
    settlement: { maxAsks: 5, baseMs: 1_000 },
  })
})
