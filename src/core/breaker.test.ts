import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  beginProbe,
  closedBreaker,
  defaultBreakerPolicy,
  gateOf,
  record,
  verdictOf,
} from './breaker.ts'
import type { Breaker, BreakerPolicy, Report } from './breaker.ts'
import type { Signal } from './outcome.ts'

const policy = defaultBreakerPolicy
const t0 = 1_800_000_000_000
let payments = 0
const call = (verdict: Report['verdict'], atMs = t0, epoch: number | null = null): Report => ({
  verdict,
  epoch,
  atMs,
  paymentId: `pay_${(payments += 1)}`,
})
const calls = (count: number, verdict: Report['verdict']) =>
  Array.from({ length: count }, () => call(verdict))
const after = (breaker: Breaker, reports: readonly Report[], nowMs = t0) =>
  record(breaker, reports, nowMs, policy)
const open = after(closedBreaker, calls(policy.straight, 'bad'))

test('it opens after five failures in a row, and not after four', () => {
  assert.equal(after(closedBreaker, calls(4, 'bad')).state, 'closed')
  assert.deepEqual(
    { ...open, recent: [] },
    {
      state: 'open',
      epoch: 1,
      recent: [],
      reason: 'failures',
      openings: 1,
      openedAtMs: t0,
      closedAtMs: null,
      probeAtMs: t0 + 2_000,
      probe: null,
    },
  )
})

test('it opens when twelve of the last twenty have failed, and not when eleven have', () => {
  const mixed = (bad: number) =>
    Array.from({ length: 20 }, (_, at) => call(at % 5 < 3 && at < 20 && bad-- > 0 ? 'bad' : 'good'))
  assert.equal(after(closedBreaker, mixed(12)).state, 'open')
  assert.equal(after(closedBreaker, mixed(11)).state, 'closed')
})

test('a call that got its leave before the breaker closed says nothing afterwards', () => {
  const probing = beginProbe(open, 'a', t0 + 2_000, policy)
  const closed = after(probing, [call('good', t0, probing.epoch)], t0 + 2_000)
  const late = calls(20, 'bad').map((report) => ({ ...report, seen: 0 }))
  assert.equal(after(closed, late, t0 + 2_000), closed)
  const fresh = late.map((report) => ({ ...report, seen: closed.epoch }))
  assert.equal(after(closed, fresh, t0 + 2_000).state, 'open')
})

test('one payment that only ever fails does not open it for all the others', () => {
  const one = calls(50, 'bad').map((report, at) => ({ ...report, paymentId: `pay_${at % 2}` }))
  assert.equal(after(closedBreaker, one).state, 'closed')
  assert.equal(after(after(closedBreaker, one), calls(1, 'bad')).state, 'open')
})

test('what is older than a minute does not count', () => {
  const warm = after(closedBreaker, calls(4, 'bad'))
  const later = t0 + policy.forgetAfterMs + 1
  assert.equal(after(warm, [call('bad', later)], later).state, 'closed')
})

test('while all is well there is nothing to write, and with no traffic nothing changes', () => {
  assert.equal(after(closedBreaker, calls(50, 'good')), closedBreaker)
  assert.equal(after(open, []), open)
  assert.equal(after(open, calls(9, 'good')), open)
})

test('a fault of the account opens it at once; what an agent did wrong never does', () => {
  assert.equal(after(closedBreaker, [call('fault')]).reason, 'account_fault')
  for (const signal of ['invalid_content', 'declined'] as const) {
    assert.equal(verdictOf({ signal, cause: '' }), 'good')
  }
  assert.equal(verdictOf({ signal: 'account_fault', cause: '' }), 'fault')
  assert.equal(verdictOf({ signal: 'gateway_error', cause: '504' }), 'bad')
  assert.equal(verdictOf({ signal: 'not_sent', cause: 'ECONNREFUSED' }), 'bad')
  assert.equal(verdictOf({ signal: 'not_sent', cause: 'processor_paused' }), null)
  assert.equal(verdictOf({ signal: 'slow_down', cause: '429' }), null)
})

test('one probe, and only its own verdict under its own number counts', () => {
  assert.deepEqual(gateOf(open, 'a', t0), { gate: 'blocked', untilMs: t0 + 2_000 })
  assert.throws(() => beginProbe(open, 'a', t0, policy))
  const dueMs = t0 + 2_000
  assert.deepEqual(gateOf(open, 'a', dueMs), { gate: 'probe_due' })
  const probing = beginProbe(open, 'a', dueMs, policy)
  assert.deepEqual(gateOf(probing, 'a', dueMs), { gate: 'pass' })
  assert.equal(gateOf(probing, 'b', dueMs).gate, 'blocked')
  assert.equal(after(probing, [call('good'), call('good', t0, open.epoch)], dueMs), probing)
  const closed = after(probing, [call('good', t0, probing.epoch)], dueMs)
  assert.deepEqual([closed.state, closed.closedAtMs, closed.openings], ['closed', dueMs, 0])
  const again = after(probing, [call('bad', t0, probing.epoch)], dueMs)
  assert.deepEqual([again.state, again.probeAtMs], ['open', dueMs + 4_000])
  const unused = after(probing, [call('none', t0, probing.epoch)], dueMs)
  assert.deepEqual([gateOf(unused, 'b', dueMs).gate, unused.openings], ['probe_due', 1])
})

test('a prober that never reports is followed by another, and then comes too late', () => {
  const dueMs = t0 + 2_000
  const first = beginProbe(open, 'a', dueMs, policy)
  const goneMs = dueMs + policy.probeWithinMs
  assert.equal(gateOf(first, 'b', goneMs).gate, 'probe_due')
  const second = beginProbe(first, 'b', goneMs, policy)
  assert.equal(after(second, [call('good', t0, first.epoch)], goneMs), second)
})

test('a clock that jumps back by a day keeps nobody out', () => {
  assert.equal(gateOf(open, 'a', t0 - 86_400_000).gate, 'probe_due')
})

test('what each answer says about the processor', () => {
  const rows: readonly [Signal, string, ReturnType<typeof verdictOf>][] = [
    ['done', 'captured', 'good'],
    ['not_final', 'processing', 'good'],
    ['already_in_state', 'already_captured', 'good'],
    ['declined', 'insufficient_funds', 'good'],
    ['invalid_content', 'amount_too_small', 'good'],
    ['connection_lost', 'ECONNRESET', 'bad'],
    ['gateway_error', 'http_504', 'bad'],
    ['server_error', 'http_500', 'bad'],
    ['unreadable', 'unreadable', 'bad'],
    ['unlisted', 'http_408', 'bad'],
    ['account_fault', 'http_401', 'fault'],
    ['slow_down', 'http_429', null],
    ['in_flight', 'http_409', null],
    ['key_mismatch', 'key_mismatch', null],
    ['mismatched_answer', 'mismatched_answer', null],
  ]
  for (const [signal, cause, verdict] of rows) {
    assert.equal(verdictOf({ signal, cause }), verdict, signal)
  }
  // As undici, Node and OpenSSL name them; the last is the simulated adapter's.
  const network =
    'ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ETIMEDOUT ENOTFOUND EAI_AGAIN EPIPE EPROTO ' +
    'UND_ERR_CONNECT_TIMEOUT UND_ERR_SOCKET ERR_SSL_WRONG_VERSION_NUMBER CERT_HAS_EXPIRED ' +
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE ERR_TLS_CERT_ALTNAME_INVALID HOSTNAME_MISMATCH ' +
    'DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE ' +
    'processor_unreachable connect_timeout'
  const ours =
    'started_too_late no_time_left no_connection_in_time processor_paused rate_limited stopped ' +
    'agent_suspended clock_jumped unknown_api_version EMFILE ENFILE ENOMEM EACCES UND_ERR_CLOSED ' +
    'UND_ERR_DESTROYED UND_ERR_ABORTED UND_ERR_INVALID_ARG ERR_INVALID_ARG_TYPE TypeError'
  for (const [causes, verdict] of [[network, 'bad'] as const, [ours, null] as const]) {
    for (const cause of causes.split(' ')) {
      assert.equal(verdictOf({ signal: 'not_sent', cause }), verdict, cause)
    }
  }
  assert.equal(verdictOf({ signal: 'not_sent', cause: '' }), null)
})

test('the cool-down doubles with each failed probe up to its cap, and starts anew after closing', () => {
  let [breaker, nowMs] = [open, t0]
  const waits: number[] = []
  for (let probes = 0; probes < 40; probes += 1) {
    waits.push((breaker.probeAtMs ?? 0) - nowMs)
    nowMs = breaker.probeAtMs ?? 0
    breaker = beginProbe(breaker, 'a', nowMs, policy)
    breaker = after(breaker, [call(probes % 2 ? 'fault' : 'bad', nowMs, breaker.epoch)], nowMs)
  }
  const seconds = [2, 4, 8, 16, 32, 60, 60, 60]
  assert.deepEqual(
    waits.slice(0, 8),
    seconds.map((each) => each * 1000),
  )
  assert.equal(waits.at(-1), 60_000)
  assert.deepEqual([breaker.reason, breaker.openedAtMs], ['account_fault', t0])
  nowMs = breaker.probeAtMs ?? 0
  const probing = beginProbe(breaker, 'a', nowMs, policy)
  const closed = after(probing, [call('good', nowMs, probing.epoch)], nowMs)
  const { epoch, openedAtMs } = probing
  assert.deepEqual(closed, { ...closedBreaker, epoch, openedAtMs, closedAtMs: nowMs })
  const again = after(closed, [call('fault', nowMs)], nowMs)
  assert.deepEqual([again.openings, again.closedAtMs], [1, nowMs])
  assert.equal(again.probeAtMs, nowMs + 2_000)
})

test('a probe that lost its turn opens nothing that another has closed', () => {
  const [dueMs, goneMs] = [t0 + 2_000, t0 + 2_000 + policy.probeWithinMs]
  const first = beginProbe(open, 'a', dueMs, policy)
  const second = beginProbe(first, 'b', goneMs, policy)
  const closed = after(second, [call('good', goneMs, second.epoch)], goneMs)
  assert.equal(after(closed, [call('fault', goneMs, first.epoch)], goneMs), closed)
  assert.equal(after(closed, [call('good', goneMs, second.epoch)], goneMs), closed)
})

test('calls are told in any order; those too old for the window or the minute change nothing', () => {
  const warm = after(closedBreaker, [call('bad', t0 - 5_000), call('bad', t0 - 1_000)])
  const late = after(warm, [call('good', t0 - 3_000)])
  assert.deepEqual(
    late.recent.map(({ atMs }) => atMs - t0),
    [-5_000, -3_000, -1_000],
  )
  assert.equal(after(warm, [call('bad', t0 - policy.forgetAfterMs - 1)]), warm)
  const full = after(warm, calls(policy.window, 'good'))
  assert.equal(full.recent.length, policy.window)
  assert.equal(after(full, [call('bad', t0 - 4_000)]), full)
})

test('failures seen by a clock that was ahead count, and are forgotten a minute from now', () => {
  const ahead = t0 + 86_400_000
  const warm = after(
    closedBreaker,
    calls(4, 'bad').map((each) => ({ ...each, atMs: ahead })),
    ahead,
  )
  assert.equal(after(warm, [call('bad', t0)], t0).state, 'open')
  const back = after(warm, [call('good', ahead)], t0)
  assert(back.recent.every(({ atMs }) => atMs === t0))
  const laterMs = t0 + policy.forgetAfterMs + 1
  assert.equal(after(back, [call('bad', laterMs)], laterMs).recent.length, 1)
})

test('a clock that is behind by less than a cool-down waits, no longer than the longest at a time', () => {
  const { capMs } = policy.coolDown
  const untilMs = (nowMs: number) => {
    const gate = gateOf(open, 'a', nowMs, policy)
    return gate.gate === 'blocked' ? gate.untilMs - nowMs : gate.gate
  }
  const dueMs = t0 + 2_000
  assert.equal(untilMs(dueMs - capMs - 1), capMs)
  assert.equal(untilMs(dueMs - 2 * capMs), capMs)
  assert.equal(untilMs(dueMs - 2 * capMs - 1), 'probe_due')
  const probing = beginProbe(open, 'a', dueMs, policy)
  const endsMs = dueMs + policy.probeWithinMs
  assert.deepEqual(gateOf(probing, 'b', endsMs - policy.probeWithinMs - 1, policy), {
    gate: 'blocked',
    untilMs: endsMs - 1,
  })
  assert.equal(gateOf(probing, 'a', endsMs - 2 * policy.probeWithinMs, policy).gate, 'pass')
  assert.equal(gateOf(probing, 'a', endsMs - 2 * policy.probeWithinMs - 1).gate, 'probe_due')
})

const policies: fc.Arbitrary<BreakerPolicy> = fc
  .record({
    failures: fc.integer({ min: 1, max: 12 }),
    spare: fc.integer({ min: 0, max: 8 }),
    straight: fc.integer({ min: 1, max: 12 }),
    payments: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ spare, ...rest }) => ({ ...policy, ...rest, window: rest.failures + spare }))

test('failures in a row open it exactly at the number of the policy, however they are told', () => {
  const told = fc.record({
    policy: policies,
    goods: fc.integer({ min: 0, max: 40 }),
    batches: fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
    passMs: fc.infiniteStream(fc.integer({ min: -2_000, max: 2_000 })),
  })
  fc.assert(
    fc.property(told, ({ policy, goods, batches, passMs }) => {
      let [breaker, nowMs] = [record(closedBreaker, calls(goods, 'good'), t0, policy), t0]
      assert.equal(breaker, closedBreaker)
      const needed = Math.max(policy.payments, Math.min(policy.failures, policy.straight))
      fc.pre(needed <= policy.window)
      for (let bad = 0; bad < needed;) {
        nowMs += passMs.next().value ?? 0
        const size = Math.min(needed - bad, batches.next().value ?? 1)
        const reports = calls(size, 'bad').map((each) => ({ ...each, atMs: nowMs }))
        breaker = record(breaker, reports, nowMs, policy)
        bad += size
        assert.equal(breaker.state, bad < needed ? 'closed' : 'open', `${bad} of ${needed}`)
      }
    }),
    { numRuns: 1_000 },
  )
})

// Many processes act on one row: some are slow, some die, some have clocks that are wrong.
const act = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.integer({ min: 0, max: 70_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.integer({ min: -400_000, max: 0 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('probe' as const), by: fc.constantFrom('a', 'b', 'c') }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      verdict: fc.constantFrom('good', 'bad', 'bad', 'fault', 'none'),
      of: fc.constantFrom('ordinary', 'current', 'earlier'),
      ageMs: fc.integer({ min: -1_000, max: 90_000 }),
      times: fc.integer({ min: 1, max: 13 }),
    }),
  },
)

test('whatever happens, each step keeps the promises of the gate', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80, size: 'max' }), (acts) => {
      let [breaker, nowMs] = [closedBreaker, t0]
      const probes: number[] = []
      for (const each of acts) {
        const before = breaker
        if (each.do === 'pass') nowMs += each.ms
        else if (each.do === 'probe') {
          if (gateOf(breaker, each.by, nowMs, policy).gate === 'probe_due') {
            breaker = beginProbe(breaker, each.by, nowMs, policy)
            assert(breaker.epoch > Math.max(0, ...probes), 'an epoch has one probe')
            probes.push(breaker.epoch)
            assert.equal(gateOf(breaker, each.by, nowMs, policy).gate, 'pass')
          } else assert.throws(() => beginProbe(before, each.by, nowMs, policy))
        } else {
          const epochs = { ordinary: null, current: breaker.epoch, earlier: breaker.epoch - 1 }
          const epoch = epochs[each.of]
          const one = () => call(each.verdict, nowMs - each.ageMs, epoch)
          breaker = record(breaker, Array.from({ length: each.times }, one), nowMs, policy)
          assertReported(before, breaker, each)
        }
        assertGate(breaker, nowMs)
        assert(breaker.epoch >= before.epoch)
        assert.deepEqual(JSON.parse(JSON.stringify(breaker)), breaker, 'a row is plain data')
      }
      assertComesBack(breaker, nowMs)
    }),
    { numRuns: 1_000 },
  )
})

function assertReported(
  before: Breaker,
  now: Breaker,
  { verdict, of }: { readonly verdict: string; readonly of: string },
): void {
  if (before.state !== 'closed' && of !== 'current') assert.equal(now, before)
  if (before.state === 'open') assert.equal(now, before)
  if (before.state !== now.state && now.state === 'closed') assert.equal(verdict, 'good')
  if (before.state === 'closed' && of === 'earlier') assert.equal(now, before)
  if (before.state === 'half_open' && of === 'current') {
    assert.equal(now.state, verdict === 'good' ? 'closed' : 'open')
    if (verdict === 'none') assert.equal(now.openings, before.openings)
  }
  if (verdict === 'good' || verdict === 'none')
    assert(now.state !== 'open' || before.state !== 'closed')
  if (now.state === before.state) assert.equal(now.epoch, before.epoch)
}

function assertGate(breaker: Breaker, nowMs: number): void {
  const { coolDown, probeWithinMs, window } = policy
  assert(breaker.recent.length <= window)
  assert.deepEqual(
    breaker.recent,
    breaker.recent.toSorted((a, b) => a.atMs - b.atMs),
  )
  const isClosed = breaker.state === 'closed'
  if (!isClosed) assert(breaker.openedAtMs !== null)
  assert.equal(breaker.reason === null, isClosed)
  assert.equal(breaker.openings === 0, isClosed)
  assert.equal(breaker.probe !== null, breaker.state === 'half_open')
  for (const id of ['a', 'b', 'c', 'd']) {
    const gate = gateOf(breaker, id, nowMs, policy)
    if (isClosed) assert.equal(gate.gate, 'pass')
    else if (gate.gate === 'pass') assert.equal(breaker.probe?.paymentId, id)
    else if (gate.gate === 'blocked') {
      const longestMs = breaker.state === 'open' ? coolDown.capMs : probeWithinMs
      assert(gate.untilMs > nowMs && gate.untilMs <= nowMs + longestMs)
    }
  }
}

/** Whoever waits as told may probe after two waits at most, whatever the clock did before. */
function assertComesBack(breaker: Breaker, fromMs: number): void {
  let nowMs = fromMs
  for (let waits = 0; ; waits += 1) {
    const gate = gateOf(breaker, 'd', nowMs, policy)
    if (gate.gate !== 'blocked') break
    assert(waits < 2)
    nowMs = gate.untilMs
  }
  if (breaker.state === 'closed') return
  const probing = beginProbe(breaker, 'd', nowMs, policy)
  const closed = record(probing, [call('good', nowMs, probing.epoch)], nowMs, policy)
  const { epoch, openedAtMs } = probing
  assert.deepEqual(closed, { ...closedBreaker, epoch, openedAtMs, closedAtMs: nowMs })
}
