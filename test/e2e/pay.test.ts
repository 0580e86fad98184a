// `pay` against a service that answers, but not in time.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'

import { agentToken, atEnd, run } from './support.ts'

test('bills that are not finished in time are exit code 1, never “unreachable”', async (t) => {
  const server = createServer((request, response) => {
    request.resume()
    // Reads are answered; what is to be paid takes longer than anybody waits.
    if (request.method === 'GET') response.end('{"object":"list","data":[],"cursor":null}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // it listens on TCP
  const settings = {
    QUITTANCE_URL: `http://127.0.0.1:${port}`,
    QUITTANCE_AGENT_TOKEN: agentToken,
  }
  const bills = 'payee,reference,amount,currency\nacme,INV-1,5.00,EUR\n'
  const ended = await run(['pay', '-', '--wait', '1'], settings, bills)
  assert.equal(ended.code, 1, ended.stderr)
  assert.match(ended.stdout, /unknown +not finished within 1 s/)
  assert.match(ended.stdout, /run it again\. Finished bills are replays/)
  assert.equal(ended.stderr, '')
})
