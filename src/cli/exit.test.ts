import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import { stopFor } from './exit.ts'

test('a fault is told once, and a state that is none with those that there are', async () => {
  const { ask } = await createHttpWorld()
  const { body } = await ask('GET', '/v1/payments?state=paid&limit=0')
  const { message } = stopFor(body as never) // the service's problem is what the client reads
  assert.equal(message.match(/is no state of a payment/g)?.length, 1)
  assert.match(message, /these are: initiated, .*captured.* expired/)
  assert.equal(message.match(/\/limit/g)?.length, 1, message)
})
