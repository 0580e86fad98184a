// What a receipt says of every shape of a payment, and that only ours is taken for ours.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as jose from 'jose'

import { shapes } from '../../test/shapes.ts'
import { advise } from '../core/advice.ts'
import { claimsOf } from '../engine/receipts.ts'
import { receiptClaims } from './claims.ts'
import type { ReceiptClaims } from './claims.ts'
import { makeKey, signReceipt, verifyReceipt } from './receipt.ts'
import type { PrivateKey } from './receipt.ts'

const atMs = Date.UTC(2026, 0, 31)
const all = shapes()

function someClaims(state = 'captured'): ReceiptClaims {
  const found = all.find(
    ({ payment }) => payment.state === state && claimsOf(payment, atMs) !== null,
  )
  const claims = found === undefined ? null : claimsOf(found.payment, atMs)
  assert.ok(claims !== null)
  return claims
}

test('there is a receipt of every end, and of nothing that is open or unknown', () => {
  const told = new Set<string>()
  for (const { payment } of all) {
    const claims = claimsOf(payment, atMs)
    const { moneyMoved } = advise(payment, payment.updatedAtMs)
    const isOpen = ['initiated', 'validated', 'authorised'].includes(payment.state)
    const what = `${payment.state} ${moneyMoved}`
    assert.equal(claims === null, isOpen || moneyMoved === 'unknown', what)
    if (claims === null) continue
    told.add(claims.outcome)
    assert.deepEqual(receiptClaims.strict().parse(claims), claims)
    assert.equal(claims.money_moved, moneyMoved)
    assert.equal(claims.livemode, payment.binding.livemode)
    if (claims.money_moved === 'yes') assert.ok(claims.processor_reference, what)
  }
  assert.equal(
    [...told].toSorted().join(),
    'captured,declined,expired,refunded,rejected,settled,voided',
  )
})

test('money that the processor has no name for gets no receipt, nor does a second object', () => {
  const { payment: paid } = all.find(({ payment }) => payment.state === 'captured') ?? assert.fail()
  assert.equal(claimsOf({ ...paid, objectId: '' }, atMs), null)
  const { payment: ended } =
    all.find(({ payment }) => payment.state === 'declined') ?? assert.fail()
  assert.ok(claimsOf({ ...ended, duplicateObjects: [] }, atMs) !== null)
  assert.equal(claimsOf({ ...ended, duplicateObjects: ['obj_2'] }, atMs), null)
})

test('the same payment gives the same bytes, and they verify', async () => {
  const key = await makeKey()
  const claims = someClaims()
  const [first, second] = [await signReceipt(claims, key), await signReceipt(claims, key)]
  assert.equal(first.jws, second.jws)
  const verified = await verifyReceipt(first.jws, [key.shown])
  assert.deepEqual(verified, { valid: true, kid: key.shown.kid, claims })
})

test('what was changed, or signed by others, or not signed at all, is not valid', async () => {
  const [ours, theirs] = [await makeKey(), await makeKey()]
  const claims = someClaims()
  const { jws } = await signReceipt(claims, ours)
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const encode = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url')
  const none = { alg: 'none', kid: ours.shown.kid, typ: 'quittance-receipt+jws' }
  const pretender: PrivateKey = { ...theirs, shown: { ...theirs.shown, kid: ours.shown.kid } }
  const hmac = await new jose.CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ ...none, alg: 'HS256' })
    .sign(Buffer.from(ours.shown.x.padEnd(64, 'x')))
  const { d } = ours
  const privateKey = await jose.importJWK(
    { kty: 'OKP', crv: 'Ed25519', x: ours.shown.x, d },
    'EdDSA',
  )
  const otherKind = await new jose.CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ ...none, alg: 'EdDSA', typ: 'JWT' })
    .sign(privateKey)
  const forged = [
    [`${header}.${encode({ ...claims, amount_captured: 1 })}.${signature}`, /signature/],
    [`${header}.${encode({ ...claims, livemode: true })}.${signature}`, /signature/],
    [(await signReceipt(claims, theirs)).jws, /key id/],
    [(await signReceipt(claims, pretender)).jws, /signature/],
    [`${encode(none)}.${payload}.`, /EdDSA/],
    [hmac, /EdDSA/],
    [otherKind, /not of a receipt/],
    [`${header}.${payload}`, /signature|no receipt/],
    ['nothing of the kind', /no receipt/],
  ] as const
  for (const [text, why] of forged) {
    const verified = await verifyReceipt(text, [ours.shown])
    assert.ok(!verified.valid, text)
    assert.match(verified.why, why)
  }
  assert.equal((await verifyReceipt(jws, [])).valid, false)
  assert.equal((await verifyReceipt(jws, [null, 'x', {}, theirs.shown])).valid, false)
})
