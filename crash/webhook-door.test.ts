import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'

import { openWebhookDoor } from './webhook-door.ts'

test('a webhook that went through the door counts once the service has answered 2xx', async (t) => {
  const answers = [503, 200]
  const requests: IncomingMessage[] = []
  const service = createServer((request, response) => {
    requests.push(request)
    response.writeHead(answers.shift() ?? 500).end()
  })
  t.after(() => service.close())
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const { port } = service.address() as AddressInfo // it listens on a port
  const door = await openWebhookDoor(`http://127.0.0.1:${port}`)
  t.after(() => door.close())
  const tell = async (id: string): Promise<number> => {
    const headers = { 'simulated-signature': 't=1,v1=00' }
    const body = JSON.stringify({ id })
    const response = await fetch(door.url, { method: 'POST', headers, body })
    return response.status
  }
  assert.equal(await tell('evt_1'), 503)
  assert.deepEqual([...door.acknowledged], [])
  assert.equal(await tell('evt_2'), 200)
  assert.deepEqual([...door.acknowledged], ['evt_2'])
  assert.equal(await tell('evt_3'), 500)
  assert.equal(requests[1]?.headers['simulated-signature'], 't=1,v1=00')
  service.close()
  service.closeAllConnections()
  assert.equal(await tell('evt_4'), 502)
  assert.deepEqual([...door.acknowledged], ['evt_2'])
})
