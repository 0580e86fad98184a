// The tools over both transports, called by the official client of the SDK, in both eras of the protocol.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Client } from '@modelcontextprotocol/client'

import { call, connectHttp, connectStdio, openToolWorld, tokens } from './testkit.ts'

const bill = { amount: 1999, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

const names = [
  'capture_payment',
  'check_mandate',
  'find_payments',
  'get_payment',
  'pay',
  'void_payment',
  'wait_for_payment',
]

async function tellsWhatItCanDo(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), names)
  const pay = tools.find(({ name }) => name === 'pay')
  assert.deepEqual(pay?.annotations, {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: true,
  })
  assert.deepEqual(pay?.inputSchema.required, ['amount', 'currency', 'payee', 'reference'])
  assert.equal(Object.hasOwn(pay?.inputSchema.properties ?? {}, 'idempotency_key'), false)
  const looks = tools.filter(({ annotations }) => annotations?.readOnlyHint === true)
  assert.deepEqual(looks.map(({ name }) => name).toSorted(), [
    'check_mandate',
    'find_payments',
    'get_payment',
    'wait_for_payment',
  ])
  for (const { name, outputSchema } of tools) assert.ok(outputSchema !== undefined, name)
}

/** Every tool once, with what it must say. */
async function walksThrough(client: Client, tag: string): Promise<void> {
  const mine = { ...bill, reference: `INV-${tag}`, payee: `acme ${tag}` }
  const paid = await call(client, 'pay', mine)
  assert.equal(paid.isError, false, JSON.stringify(paid.answer))
  assert.equal(paid.answer.money_moved, 'yes')
  const id = paid.answer.payment?.id ?? ''
  const again = await call(client, 'pay', { ...mine, description: 'worded anew' })
  assert.equal(again.answer.payment?.id, id)
  assert.deepEqual([again.answer.replayed, again.answer.ignored], [true, ['description']])
  assert.match(again.answer.advice, /Ignored.*description/)
  const dearer = await call(client, 'pay', { ...mine, amount: 2000 })
  assert.equal(dearer.isError, true)
  assert.equal(dearer.answer.problem?.code, 'idempotency_key_reused')
  assert.equal(dearer.answer.money_moved, 'yes')
  assert.equal((await call(client, 'get_payment', { payment_id: id })).answer.payment?.id, id)
  assert.equal(
    (await call(client, 'wait_for_payment', { payment_id: id })).answer.money_moved,
    'yes',
  )
  const found = await call(client, 'find_payments', { reference: mine.reference })
  assert.deepEqual(
    found.answer.payments?.map((each) => each.id),
    [id],
  )
  const late = await call(client, 'void_payment', { payment_id: id })
  assert.deepEqual([late.isError, late.answer.problem?.code], [true, 'already_captured'])
  const declined = await call(client, 'pay', {
    ...mine,
    payee: 'acct_declined',
    reference: `NO-${tag}`,
    amount: 1000 + tag.length,
  })
  assert.equal(declined.isError, true)
  assert.deepEqual(
    [declined.answer.payment?.state, declined.answer.money_moved, declined.answer.new_key_allowed],
    ['declined', 'no', true],
  )
  assert.match(declined.answer.advice, /retry_of pay_/)
  const wrong = await call(client, 'pay', { ...mine, reference: `X-${tag}`, currency: 'EURO' })
  assert.deepEqual([wrong.isError, wrong.answer.problem?.code], [true, 'invalid_request'])
  assert.equal(wrong.answer.next_action.type, 'fix_request')
  for (const mistake of [{ idempotency_key: 'mine' }, { amount: '19.99' }, { payee: undefined }]) {
    const mistaken = await call(client, 'pay', { ...mine, reference: `X-${tag}`, ...mistake })
    const { problem, advice } = mistaken.answer
    assert.deepEqual([mistaken.isError, problem?.code], [true, 'invalid_request'], advice)
    assert.equal(problem?.errors?.[0]?.pointer, `/${Object.keys(mistake)[0]}`)
  }
  const nobody = await call(client, 'get_payment', {})
  assert.equal(nobody.answer.problem?.code, 'payment_not_found')
  const held = await call(client, 'pay', {
    ...mine,
    reference: `M-${tag}`,
    amount: 3000 + tag.length,
    capture: 'manual',
  })
  assert.match(held.answer.advice, /capture_payment/)
  const heldId = held.answer.payment?.id ?? ''
  await call(client, 'capture_payment', { payment_id: heldId })
  const taken = await call(client, 'wait_for_payment', { payment_id: heldId })
  assert.equal(taken.answer.money_moved, 'yes')
  const mandate = await call(client, 'check_mandate', {})
  assert.equal(mandate.answer.mandate?.agent.id, 'agent_default')
}

test('over HTTP every tool says what the service says, to clients of either era', async (t) => {
  const { url } = await openToolWorld(t)
  for (const era of ['legacy', 'auto'] as const) {
    const client = await connectHttp(t, url, { era })
    await tellsWhatItCanDo(client)
    await walksThrough(client, `http-${era}`)
  }
})

test('on standard input and output it is the same', async (t) => {
  const { url } = await openToolWorld(t)
  const client = await connectStdio(t, url, 'auto')
  await tellsWhatItCanDo(client)
  await walksThrough(client, 'stdio')
})

test('strangers, operators, pages of other origins and floods are turned away at /mcp', async (t) => {
  const { url } = await openToolWorld(t)
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  const post = async (headers: Record<string, string>, body: unknown = message) => {
    const sent = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { ...sent, ...headers },
      body: JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  }
  const authorization = `Bearer ${tokens.agent}`
  assert.equal((await post({ authorization })).status, 200)
  assert.equal((await post({})).status, 401)
  assert.equal((await post({ authorization: 'Bearer nobody_has_this_token' })).status, 401)
  assert.equal((await post({ authorization: `Bearer ${tokens.operator}` })).status, 403)
  for (const origin of ['https://evil.example', 'http://127.0.0.1.evil.example', 'null']) {
    assert.equal((await post({ authorization, origin })).status, 403, origin)
  }
  assert.equal((await post({ authorization, origin: 'http://localhost:6274' })).status, 200)
  const flood = { ...message, params: { pad: 'x'.repeat(70_000) } }
  assert.equal((await post({ authorization }, flood)).status, 413)
  assert.equal((await fetch(`${url}/mcp`, { headers: { authorization } })).status, 405)
  // An endless stream is not begun.
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const method = 'subscriptions/listen'
  const listening = { ...message, method, params: { _meta: meta, notifications: {} } }
  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
  assert.match((await post({ authorization, ...modern }, listening)).text, /limit reached/)
})
