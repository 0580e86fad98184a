// A key that was used for another bill (decision 0006).
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'

const payments = '/v1/payments'

test('a key of another bill says nothing of money: the paid one is not this one', async () => {
  const { ask, pay, toRest, commits } = await createHttpWorld()
  const paid = await pay({}, { key: 'k' })
  await toRest(paid.id)
  const before = commits()
  for (const change of [{ reference: 'INV-2' }, { payee: 'other' }]) {
    const { status, body } = await ask('POST', payments, { key: 'k', body: { ...bill, ...change } })
    assert.deepEqual([status, body.code], [422, 'idempotency_key_of_another_bill'])
    assert.match(
      body.detail,
      new RegExp(`${paid.id} .* another payee or reference.*key of its own`),
    )
    assert.deepEqual([body.money_moved, body.new_key_allowed], ['unknown', false])
    assert.deepEqual(body.next_action, { type: 'fix_request', after: null, url: null })
    assert.equal(body.existing_payment, undefined)
  }
  // Other capitals and spaces make no other bill.
  const same = { ...bill, payee: ` ${bill.payee.toLowerCase()} ` }
  const reused = await ask('POST', payments, { key: 'k', body: same })
  assert.deepEqual([reused.body.code, reused.body.money_moved], ['idempotency_key_reused', 'yes'])
  assert.equal(commits(), before)
  // Its own key ends it.
  assert.equal((await pay({ reference: 'INV-2', amount: 5 }, { key: 'k2' })).reference, 'INV-2')
})
