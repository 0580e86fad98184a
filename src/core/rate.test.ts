import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { easedLimit, reserveSlot, slotHorizonMs, take } from './rate.ts'
import type { RateLimit } from './rate.ts'

const t0 = 1_800_000_000_000

const limits = fc.record({
  perSecond: fc.constantFrom(0.5, 1, 3, 7, 10, 25, 100, 333),
  burst: fc.integer({ min: 1, max: 20 }),
})
const pauses = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 80 })

/** In no stretch of time more than burst and pace allow; to a millionth, for what doubles round. */
function assertPaced(
  times: readonly number[],
  { perSecond, burst }: { perSecond: number; burst: number },
) {
  for (const [from, fromMs] of times.entries()) {
    for (let to = from; to < times.length; to += 1) {
      const allowed = burst + (((times[to] ?? 0) - fromMs) * perSecond) / 1000
      assert(to - from + 1 <= allowed + 1e-6, `${to - from + 1} of ${allowed}`)
    }
  }
}

test('slots keep burst and pace in every stretch of time, in order, within the horizon', () => {
  fc.assert(
    fc.property(limits, pauses, (limit, list) => {
      let [tatMs, nowMs]: [number | null, number] = [null, t0]
      const slots: number[] = []
      for (const passMs of list) {
        nowMs += passMs
        const slot = reserveSlot(tatMs, nowMs, limit)
        if (slot.slot === 'full') {
          assert(slot.askAgainAtMs > nowMs)
          assert.equal(reserveSlot(tatMs, slot.askAgainAtMs, limit).slot, 'given')
          continue
        }
        assert(slot.atMs >= nowMs && slot.atMs <= nowMs + slotHorizonMs)
        assert(slot.atMs >= (slots.at(-1) ?? 0))
        slots.push(slot.atMs)
        tatMs = slot.tatMs
      }
      assertPaced(slots, limit)
    }),
  )
})

test('easing off after an outage forgives no debt: own burst and pace hold all through it', () => {
  const own = fc.record({
    perSecond: fc.constantFrom(1, 10, 50, 200, 1_000),
    burst: fc.integer({ min: 1, max: 300 }),
  })
  const periods = fc.array(
    fc.record({ eased: fc.boolean(), asks: fc.integer({ min: 0, max: 400 }) }),
    {
      maxLength: 4,
    },
  )
  fc.assert(
    fc.property(own, periods, (limit, list) => {
      let [tatMs, nowMs]: [number | null, number] = [null, t0]
      const slots: number[] = []
      for (const { eased, asks } of list) {
        for (let ask = 0; ask < asks; ask += 1) {
          const slot = reserveSlot(tatMs, nowMs, eased ? easedLimit(limit) : limit)
          if (slot.slot === 'given') slots.push(slot.atMs)
          if (slot.slot === 'given') tatMs = slot.tatMs
          else nowMs += 40
        }
      }
      assertPaced(slots, limit)
    }),
    { numRuns: 60 },
  )
})

test('while it is eased, slots come at the slower pace, whatever the burst', () => {
  const limit = easedLimit({ perSecond: 1_000, burst: 200 })
  let [tatMs, given]: [number | null, number] = [null, 0]
  for (let nowMs = t0; nowMs < t0 + 10_000; nowMs += 5) {
    const slot = reserveSlot(tatMs, nowMs, limit)
    if (slot.slot === 'full') continue
    given += 1
    tatMs = slot.tatMs
  }
  // 50/s for 10 s and the horizon of 2 s, and what the burst of 199 ms holds of such slots.
  assert(given >= 590 && given <= 50 * 12 + 11, `${given} slots`)
})

test('a door lets through what burst and pace allow, and says when to come back', () => {
  fc.assert(
    fc.property(limits, pauses, (limit, list) => {
      let [tatMs, nowMs]: [number | null, number] = [null, t0]
      const passed: number[] = []
      for (const passMs of list) {
        nowMs += passMs
        const taken = take(tatMs, nowMs, limit)
        if (taken.allowed) passed.push(nowMs)
        else assert(take(tatMs, nowMs + taken.retryAfterMs, limit).allowed)
        assert(taken.remaining >= 0 && taken.remaining < limit.burst)
        tatMs = taken.tatMs
      }
      assertPaced(passed, limit)
    }),
  )
})

test('after a rest the whole burst is there again, and no more', () => {
  const limit = { perSecond: 2, burst: 3 }
  let tatMs: number | null = t0 - 1_000_000
  const allowed = [1, 2, 3, 4].map(() => {
    const taken = take(tatMs, t0, limit)
    tatMs = taken.tatMs
    return taken.allowed
  })
  assert.deepEqual(allowed, [true, true, true, false])
})

test('a clock that jumped back costs seconds, not a day', () => {
  const limit = { perSecond: 10, burst: 2 }
  const slot = reserveSlot(t0 + 86_400_000, t0, limit)
  const atMs = slot.slot === 'given' ? slot.atMs : slot.askAgainAtMs
  assert(atMs <= t0 + slotHorizonMs)
  assert(take(t0 + 86_400_000, t0, limit).retryAfterMs <= 200)
})

test('a limit that lets nothing through is a mistake', () => {
  for (const limit of [
    { perSecond: 0, burst: 1 },
    { perSecond: -1, burst: 1 },
    { perSecond: Number.NaN, burst: 1 },
    { perSecond: 1, burst: 0 },
  ]) {
    assert.throws(() => reserveSlot(null, t0, limit), RangeError)
    assert.throws(() => take(null, t0, limit), RangeError)
  }
})

// Eighths of a call per second and halves of a burst, so that the test's own sums are exact too.
const anyLimit = fc.record({
  perSecond: fc.oneof(
    fc.integer({ min: 1, max: 80 }).map((eighths) => eighths / 8),
    fc.integer({ min: 1, max: 5_000 }),
  ),
  burst: fc.integer({ min: 2, max: 60 }).map((halves) => halves / 2),
})

/** Exactly: no stretch of time, however it is cut, holds more than burst and pace allow. */
function assertExactlyPaced(times: readonly number[], { perSecond, burst }: RateLimit): void {
  const sorted = times.toSorted((a, b) => a - b)
  for (const [from, fromMs] of sorted.entries()) {
    for (const [more, toMs] of sorted.slice(from).entries()) {
      const fits = (more + 1 - burst) * 1000 <= (toMs - fromMs) * perSecond
      if (!fits) assert.fail(`${more + 1} in ${toMs - fromMs} ms at ${perSecond}/${burst}`)
    }
  }
}

/** Slots of one stored TAT, asked for at these times, some of them as they were told to. */
function ask(nows: readonly number[], limit: RateLimit, stored: number | null = null) {
  let tatMs = stored
  const slots: number[] = []
  const fulls: { readonly nowMs: number; readonly askAgainAtMs: number }[] = []
  for (const nowMs of nows) {
    const slot = reserveSlot(tatMs, nowMs, limit)
    if (slot.slot === 'full') {
      fulls.push({ nowMs, askAgainAtMs: slot.askAgainAtMs })
      assert.equal(reserveSlot(tatMs, slot.askAgainAtMs, limit).slot, 'given')
    } else {
      assert(Number.isInteger(slot.atMs) && slot.atMs >= nowMs)
      assert(slot.atMs <= nowMs + slotHorizonMs)
      slots.push(slot.atMs)
      tatMs = slot.tatMs
    }
  }
  return { slots, fulls, tatMs }
}

test('the limit holds exactly, for whole and broken intervals, and no slot goes unused for long', () => {
  const passes = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })), {
    maxLength: 100,
    size: 'max',
  })
  fc.assert(
    fc.property(anyLimit, passes, (limit, list) => {
      let nowMs = t0
      const { slots, fulls } = ask(
        list.map((ms) => (nowMs += ms)),
        limit,
      )
      assertExactlyPaced(slots, limit)
      assert.deepEqual(
        slots,
        slots.toSorted((a, b) => a - b),
      )
      for (const { nowMs, askAgainAtMs } of fulls) {
        assert(
          askAgainAtMs > nowMs && askAgainAtMs <= nowMs + Math.ceil(1000 / limit.perSecond) + 1,
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('processes whose clocks differ by up to two seconds still keep it exactly together', () => {
  const asks = fc.array(
    fc.record({
      passMs: fc.integer({ min: 0, max: 400 }),
      skewMs: fc.integer({ min: 0, max: 2_000 }),
    }),
    { maxLength: 100, size: 'max' },
  )
  fc.assert(
    fc.property(anyLimit, asks, (limit, list) => {
      let nowMs = t0
      const nows = list.map(({ passMs, skewMs }) => (nowMs += passMs) + skewMs)
      assertExactlyPaced(ask(nows, limit).slots, limit)
    }),
    { numRuns: 500 },
  )
})

test('however far a clock jumps back, waiting is bounded, and then the limit holds as ever', () => {
  const busy = fc.integer({ min: 0, max: 300 })
  const jump = fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 1e9 }))
  fc.assert(
    fc.property(anyLimit, busy, jump, (limit, count, jumpMs) => {
      const before = ask(Array<number>(count).fill(t0), limit)
      const nowMs = t0 - jumpMs
      const first = reserveSlot(before.tatMs, nowMs, limit)
      const waitMs = (first.slot === 'given' ? first.atMs : first.askAgainAtMs) - nowMs
      assert(waitMs <= 2_000 + Math.ceil(1000 / limit.perSecond) + 1, `${waitMs} ms`)
      const nows = Array.from({ length: 100 }, (_, index) => nowMs + index * 50)
      assertExactlyPaced(ask(nows, limit, before.tatMs).slots, limit)
      const taken = take(before.tatMs, nowMs, limit)
      assert(taken.retryAfterMs <= 2_000 + Math.ceil(1000 / limit.perSecond) + 1)
    }),
    { numRuns: 500 },
  )
})

test('a busy limit gives its full rate but for the rounding of the interval, which does not add up', () => {
  for (const [limit, expected] of [
    [{ perSecond: 3, burst: 2 }, 3 * 3_600 + 2],
    [{ perSecond: 7, burst: 2 }, 7 * 3_600 + 2],
    [{ perSecond: 0.5, burst: 1 }, 0.5 * 3_600 + 1],
    [{ perSecond: 333, burst: 5 }, 333 * 3_600 + 5],
    // A burst of 1 leaves no room: 334 ms instead of 333 and a third.
    [{ perSecond: 3, burst: 1 }, Math.floor(3_600_000 / 334) + 1],
  ] as const) {
    let [tatMs, lastMs, count]: [number | null, number, number] = [null, t0, 0]
    for (;;) {
      const slot = reserveSlot(tatMs, lastMs, limit)
      assert(slot.slot === 'given')
      if (slot.atMs > t0 + 3_600_000) break
      ;[tatMs, lastMs, count] = [slot.tatMs, slot.atMs, count + 1]
    }
    const least = expected * (1 - limit.perSecond / 1_024_000) - 1
    assert(count >= least && count <= expected, `${count} of ${expected} at ${limit.perSecond}`)
  }
})

test('what a door says is so: so many more may go at once, then after so long, then all again', () => {
  const list = fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 40, size: 'max' })
  const through = (stored: number | null, nowMs: number, limit: RateLimit): number => {
    let tatMs = stored
    for (let count = 0; ; count += 1) {
      const taken = take(tatMs, nowMs, limit)
      if (!taken.allowed) return count
      tatMs = taken.tatMs
    }
  }
  fc.assert(
    fc.property(anyLimit, list, (limit, passes) => {
      let [tatMs, nowMs]: [number | null, number] = [null, t0]
      const passed: number[] = []
      for (const passMs of passes) {
        nowMs += passMs
        const taken = take(tatMs, nowMs, limit)
        if (taken.allowed) passed.push(nowMs)
        else {
          assert.equal(taken.tatMs, tatMs, 'a refusal costs nothing')
          assert(
            !take(tatMs, nowMs + taken.retryAfterMs - 1, limit).allowed,
            'it was told too late',
          )
          assert(take(tatMs, nowMs + taken.retryAfterMs, limit).allowed)
        }
        assert.equal(taken.retryAfterMs === 0, taken.allowed)
        tatMs = taken.tatMs
        assert.equal(taken.remaining, through(tatMs, nowMs, limit))
        const whole = Math.floor(limit.burst)
        assert.equal(through(tatMs, nowMs + taken.resetMs, limit), whole)
      }
      assertExactlyPaced(passed, limit)
    }),
    { numRuns: 500 },
  )
})

test('a fraction of a millisecond is cut off', () => {
  const limit = { perSecond: 2, burst: 1 }
  assert.deepEqual(take(null, t0 + 0.7, limit), take(null, t0, limit))
  const { tatMs } = take(null, t0, limit)
  assert.deepEqual(take(tatMs, t0 + 499.9, limit), take(tatMs, t0 + 499, limit))
})

test('numbers that are no limit are refused with a sentence', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinite } = Number
  for (const perSecond of [0, -0, -1, nan, infinite, -infinite, Number.MIN_VALUE]) {
    const sentence = { name: 'RangeError', message: /calls per second above 0, not / }
    assert.throws(() => reserveSlot(null, t0, { perSecond, burst: 1 }), sentence, `${perSecond}`)
  }
  for (const burst of [0, 0.9, -1, nan, infinite]) {
    const sentence = { name: 'RangeError', message: /burst of at least 1, not / }
    assert.throws(() => take(null, t0, { perSecond: 1, burst }), sentence, `${burst}`)
  }
})
