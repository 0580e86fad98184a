import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import type { Payment } from '../client/index.ts'
import { paymentSheet } from './show-payment.ts'
import { openRefunds, refundOf, waitForRefund } from './wait-for-refund.ts'

async function refunding() {
  const world = await createHttpWorld()
  const { id } = await world.pay()
  await world.toRest(id)
  const body = { reference: 'RR1', amount: 1999, reason: 'damaged' }
  const asked = await world.ask<Payment>('POST', `/v1/payments/${id}/refunds`, { key: 'r', body })
  const get = async () => {
    const { body: payment } = await world.ask<Payment>('GET', `/v1/payments/${id}`)
    return { ok: true, payment, replayed: false } as const
  }
  return { world, id, payment: asked.body, get }
}

test('a refund that is open is shown as open', async () => {
  const { world, id, payment, get } = await refunding()
  assert.ok(paymentSheet(payment).includes('refund      RR1  19.99 EUR  open'))
  assert.deepEqual([payment.next_action.type, openRefunds(payment).length], ['none', 1])
  await world.toRest(id)
  const { payment: ended } = await get()
  assert.ok(paymentSheet(ended).includes('refund      RR1  19.99 EUR  succeeded'))
  assert.deepEqual(openRefunds(ended), [])
})

test('who waits for a refund is told its end, or that it is open when the time is up', async () => {
  const { world, id, payment, get } = await refunding()
  const late = await waitForRefund({ get }, payment, 'RR1', 10)
  assert.equal(refundOf(late, ' rr1 ')?.status, 'open')
  await world.toRest(id)
  const ended = await waitForRefund({ get }, payment, 'RR1', 5_000)
  assert.equal(refundOf(ended, 'RR1')?.status, 'succeeded')
})
