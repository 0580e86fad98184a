// What is kept of an answer: enough to show a person, nothing that anybody could use.
import assert from 'node:assert/strict'

import { callOf } from './calls.ts'
import type { Promises } from './processor-contract.ts'

const card = '4242424242424242'
const groups = '4242 4242 4242 4242'
const dashes = '3782-822463-10005'

export const evidencePromises: Promises = {
  'an answer comes with its status, its request’s id and an excerpt': async ({ processor }) => {
    const answer = await processor.send(callOf('authorise'))
    assert.equal(answer.status, 200)
    assert.match(answer.requestId ?? '', /^\S{5,100}$/)
    assert.match(answer.excerpt ?? '', /"id"/)
  },

  'an excerpt is at most 300 characters, on one line': async ({ wire, processor }) => {
    wire.disturb({
      answer: (response) => void response.writeHead(500).end('a\r\n\u0007b'.repeat(9_999)),
    })
    const { excerpt } = await processor.send(callOf('authorise'))
    assert.equal(excerpt?.length, 300)
    assert.match(excerpt ?? '', /^a ba ba b/)
  },

  'no secret and no card number gets into it': async ({ world, wire, processor }) => {
    const echoed = [...world.secrets, 'sk_live_51HxSECRET', card, groups, dashes]
    assert.ok(world.secrets.length > 0)
    for (const status of [200, 400, 500, 502]) {
      for (const secret of echoed) {
        const body = `{"echo":"Bearer ${secret}","again":"${secret}","number":"${secret}","amount":1999}`
        wire.disturb({ answer: (response) => void response.writeHead(status).end(body) })
        const answer = await processor.send(callOf('authorise'))
        assert.ok(!JSON.stringify(answer).includes(secret), `${secret}: ${answer.excerpt}`)
        assert.match(answer.excerpt ?? '', /"amount":1999/)
      }
    }
  },

  'a code or a number of a request that is too long is cut': async ({ wire, processor }) => {
    const code = 'x'.repeat(5_000)
    const body = JSON.stringify({ error: { type: 'card_error', code, decline_code: code } })
    wire.disturb({
      answer: (response) => void response.writeHead(402, { 'request-id': code }).end(body),
    })
    const answer = await processor.send(callOf('authorise'))
    assert.ok(answer.cause.length <= 64)
    assert.ok((answer.decline?.code.length ?? 0) <= 64)
    assert.ok((answer.requestId?.length ?? 0) <= 100)
  },
}
