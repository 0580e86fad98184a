import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { shapes } from '../../test/shapes.ts'
import { decideClaim, defaultClaimPolicy } from './claim.ts'
import type { ClaimDecision, ClaimFacts, ClaimRequest } from './claim.ts'
import type { BindingMandate, Limits } from './mandate.ts'
import type { Payment } from './payment.ts'
import { rejectionTable } from './rejections.ts'

const now = build.t0

function request(
  over: Partial<ClaimRequest> = {},
  terms: Partial<ClaimRequest['terms']> = {},
): ClaimRequest {
  const { retryCount: _count, budgets: _budgets, ...asked } = build.terms
  return {
    terms: { ...asked, id: 'pay_new', ...terms },
    notAfterMs: null,
    distinctFrom: [],
    reason: null,
    approvalHash: 'hash',
    ...over,
  }
}

function facts(over: Partial<ClaimFacts> = {}): ClaimFacts {
  return {
    agentSuspended: false,
    stopped: false,
    capabilities: build.capabilities,
    current: null,
    alike: [],
    mandates: [],
    leap: null,
    ...over,
  }
}

const claim = (asked: ClaimRequest, given: ClaimFacts, nowMs = now): ClaimDecision =>
  decideClaim(asked, given, defaultClaimPolicy, nowMs)

const codeOf = ({ rejection }: ClaimDecision): string => rejection?.code ?? 'accepted'

function mandate(
  over: Partial<Limits>,
  scope: 'agent' | 'account' = 'agent',
  currency = 'EUR',
): BindingMandate {
  const limits = { perPayment: null, perDay: null, approvalAbove: null, ...over }
  return {
    scope,
    mandate: { version: 1, limits: { [currency]: limits } },
    budgetKey: `${scope}:x`,
    budget: null,
  }
}

const open = build.claimed({ id: 'pay_open' })
const ended = (id: string, retryCount = 0): Payment =>
  build.after(build.claimed({ id, retryCount }), [
    { type: 'rejected', reason: 'too_late', by: 'x' },
  ])
const paid = (id: string): Payment =>
  build.after(build.claimed({ id }), [{ type: 'validated' }, build.authorised(), build.captured()])

test('of several reasons to say no the first of the table is told', () => {
  // All reasons at once; each row takes away the one that was told.
  const asked = request({ notAfterMs: now })
  let given = facts({
    agentSuspended: true,
    stopped: true,
    capabilities: null,
    current: open,
    alike: [open],
    mandates: [mandate({ perPayment: 1 })],
  })
  const told: string[] = []
  told.push(codeOf(claim(asked, given)))
  given = { ...given, agentSuspended: false }
  told.push(codeOf(claim(asked, given)))
  given = { ...given, stopped: false }
  told.push(codeOf(claim(asked, given)))
  given = { ...given, capabilities: build.capabilities }
  told.push(codeOf(claim(asked, given)))
  told.push(codeOf(claim(request(), given)))
  given = { ...given, current: null }
  told.push(codeOf(claim(request(), given)))
  given = { ...given, alike: [] }
  told.push(codeOf(claim(request(), given)))
  given = { ...given, mandates: [] }
  told.push(codeOf(claim(request(), given)))
  const expected = [
    'agent_suspended',
    'stopped',
    'processor_unavailable',
    'too_late',
    'duplicate_reference',
    'possible_duplicate',
    'mandate_per_payment',
    'accepted',
  ]
  assert.deepEqual(told, expected)
  const order = Object.keys(rejectionTable)
  const places = expected.slice(0, -1).map((code) => order.indexOf(code))
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  )
})

test('a deadline must lie ahead', () => {
  assert.equal(codeOf(claim(request({ notAfterMs: now }), facts())), 'too_late')
  assert.equal(codeOf(claim(request({ notAfterMs: now + 1 }), facts())), 'accepted')
})

test('a bill that has a payment takes no other, unless it ended without money and is named', () => {
  const rows: readonly [string, Payment | null, string | null, string][] = [
    ['no payment yet', null, null, 'accepted'],
    ['retry of nothing', null, 'pay_old', 'retry_of_invalid'],
    ['open', open, null, 'duplicate_reference'],
    ['open, named', open, 'pay_open', 'retry_of_invalid'],
    ['ended, not named', ended('pay_old'), null, 'duplicate_reference'],
    ['ended, named', ended('pay_old'), 'pay_old', 'accepted'],
    ['ended, another named', ended('pay_old'), 'pay_older', 'retry_of_invalid'],
    ['paid, named', paid('pay_old'), 'pay_old', 'retry_of_invalid'],
    ['second retry', ended('pay_old', 1), 'pay_old', 'accepted'],
    ['third retry', ended('pay_old', 2), 'pay_old', 'accepted'],
    ['fourth retry', ended('pay_old', 3), 'pay_old', 'too_many_retries'],
  ]
  for (const [what, current, retryOf, expected] of rows) {
    const decision = claim(request({}, { retryOf }), facts({ current }))
    assert.equal(codeOf(decision), expected, what)
    if (decision.rejection !== undefined && current !== null) {
      assert.deepEqual(decision.rejection.existing, [current.id], what)
    }
  }
})

test('only a payment that ended without money has a successor, whatever its shape', () => {
  for (const { payment, state, operation } of shapes()) {
    const unpaid = ['declined', 'rejected', 'voided', 'expired'].includes(state)
    const decision = claim(request({}, { retryOf: payment.id }), facts({ current: payment }))
    assert.equal(
      codeOf(decision),
      unpaid ? 'accepted' : 'retry_of_invalid',
      `${state}, ${operation}`,
    )
  }
})

test('distinct_from and batch never lift the reference guard', () => {
  const asked = request({ distinctFrom: ['pay_open'], reason: 'another' }, { batch: 'b1' })
  const current = build.claimed({ id: 'pay_open', batch: 'b1' })
  assert.equal(codeOf(claim(asked, facts({ current, alike: [current] }))), 'duplicate_reference')
})

test('a successor counts its retries', () => {
  const { facts: made } = claim(
    request({}, { retryOf: 'pay_old' }),
    facts({ current: ended('pay_old', 1) }),
  )
  const fact = made?.[0]
  assert.equal(fact?.type === 'claimed' ? fact.terms.retryCount : null, 2)
})

test('a payment that looks like an earlier one is refused, until it is explained', () => {
  const minutes = 60 * build.seconds
  const batch = build.claimed({ id: 'pay_b', batch: 'b1' })
  const rows: readonly [string, readonly Payment[], ClaimRequest, number, string][] = [
    ['open', [open], request(), now, 'possible_duplicate'],
    ['open for days', [open], request(), now + 72 * build.hours, 'possible_duplicate'],
    ['open, named as distinct', [open], request({ distinctFrom: ['pay_open'] }), now, 'accepted'],
    [
      'one of two named',
      [open, paid('pay_2')],
      request({ distinctFrom: ['pay_open'] }),
      now,
      'possible_duplicate',
    ],
    ['paid a moment ago', [paid('pay_2')], request(), now + 10 * minutes - 1, 'possible_duplicate'],
    ['paid ten minutes ago', [paid('pay_2')], request(), now + 10 * minutes, 'accepted'],
    ['ended without money', [ended('pay_2')], request(), now, 'accepted'],
    ['of the same batch', [batch], request({}, { batch: 'b1' }), now, 'accepted'],
    ['of another batch', [batch], request({}, { batch: 'b2' }), now, 'possible_duplicate'],
    ['in a batch, the other not', [open], request({}, { batch: 'b1' }), now, 'possible_duplicate'],
    ['not in a batch, the other is', [batch], request(), now, 'possible_duplicate'],
  ]
  for (const [what, alike, asked, nowMs, expected] of rows) {
    assert.equal(codeOf(claim(asked, facts({ alike }), nowMs)), expected, what)
  }
})

test('the payments in the way are named, the first one first', () => {
  const { rejection } = claim(request(), facts({ alike: [paid('pay_2'), open, ended('pay_3')] }))
  assert.deepEqual(rejection?.existing, ['pay_2', 'pay_open'])
})

test('a row full of open look-alikes refuses even what is explained, but not a batch', () => {
  const many = Array.from({ length: 20 }, (_, index) =>
    build.claimed({ id: `pay_${index}`, batch: 'b1' }),
  )
  const distinctFrom = many.map(({ id }) => id)
  assert.equal(
    codeOf(claim(request({ distinctFrom }), facts({ alike: many }))),
    'possible_duplicate',
  )
  assert.equal(
    codeOf(claim(request({ distinctFrom }), facts({ alike: many.slice(1) }))),
    'accepted',
  )
  assert.equal(codeOf(claim(request({}, { batch: 'b1' }), facts({ alike: many }))), 'accepted')
})

test('each mandate that binds must allow it, and its figures are told', () => {
  const rows: readonly [readonly BindingMandate[], string][] = [
    [[], 'accepted'],
    [[mandate({})], 'accepted'],
    [[mandate({ perPayment: 1000 })], 'accepted'],
    [[mandate({ perPayment: 999 })], 'mandate_per_payment'],
    [[mandate({ perDay: 999 })], 'mandate_per_day'],
    [[mandate({}, 'agent', 'USD')], 'mandate_currency'],
    [[mandate({}), mandate({ perPayment: 999 }, 'account')], 'mandate_per_payment'],
  ]
  for (const [mandates, expected] of rows) {
    assert.equal(codeOf(claim(request(), facts({ mandates }))), expected)
  }
  const { rejection } = claim(
    request(),
    facts({ mandates: [mandate({ perPayment: 999 }, 'account')] }),
  )
  assert.equal(rejection?.detail, 'scope account, limit 999; asked 1000 EUR.')
})

test('an accepted claim stores the deadline, the counters that hold it, and the approval it needs', () => {
  const mandates = [
    mandate({ perDay: 5_000, approvalAbove: 999 }),
    mandate({ perPayment: 5_000 }, 'account'),
  ]
  const { facts: made = [] } = claim(request(), facts({ mandates }))
  const [claimed, held] = made
  assert.ok(claimed?.type === 'claimed')
  assert.equal(claimed.notAfterMs, now + 86_400_000)
  assert.deepEqual(claimed.terms.budgets, ['agent:x'])
  assert.deepEqual(claimed.approval, {
    hash: 'hash',
    expiresAtMs: now + 86_400_000,
    approvedBy: null,
  })
  assert.deepEqual(held, { type: 'held', reason: 'approval_required', detail: 'above 999' })
})

test('an amount of exactly the threshold needs no approval', () => {
  for (const [approvalAbove, held] of [
    [1000, false],
    [999, true],
    [0, true],
  ] as const) {
    const { facts: made = [] } = claim(request(), facts({ mandates: [mandate({ approvalAbove })] }))
    assert.equal(made.length, held ? 2 : 1, String(approvalAbove))
  }
})
