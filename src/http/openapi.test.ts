// The OpenAPI document: every route of the table is in it, every reference leads somewhere, and every
// example is what its schema says.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { deliveryStub, stubNames } from '../../test/delivery-stub.ts'
import { createHttpWorld } from '../../test/http-world.ts'
import { createParkedWorld } from '../../test/parked-world.ts'
import { exampleProblem } from './openapi.ts'
import { routes } from './routes.ts'
import { problemJson } from './wire.ts'
import type { JournalEntry } from '../core/ledger.ts'
import type { Difference } from '../core/reconcile.ts'
import { keepBreaks, scanBreaks } from '../engine/breaks.ts'
import type { Engine } from '../engine/engine.ts'
import { beginReconciliation } from '../engine/reconcile.ts'
import type { SettlementInbox, SettlementUpload } from '../engine/settlement-inbox.ts'
import type { Ledger } from '../ports.ts'
import type { ReceiptKeys } from '../receipts/receipt-keys.ts'

interface Operation {
  readonly operationId: string
  readonly security?: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<Record<string, { readonly content: object }>>
}

interface Description {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

const { ask } = await createHttpWorld()
const {
  status,
  body: description,
  headers,
} = await ask<Description>('GET', '/openapi.json', { as: null })

const operationOf = (method: string, path: string): Operation | undefined =>
  description.paths[path]?.[method.toLowerCase()]

test('anybody may read the description', () => {
  assert.equal(status, 200)
  assert.equal(headers.get('content-type'), 'application/json')
  assert.equal(description.openapi, '3.1.0')
})

test('every route is described, and nothing else', () => {
  const described = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(
    described.toSorted(),
    routes.map(({ method, path }) => `${method} ${path}`).toSorted(),
  )
})

test('every operation has a name of its own', () => {
  const names = routes.map(({ doc }) => doc.name)
  assert.equal(new Set(names).size, names.length)
})

test('every reference resolves, and every named schema is used', () => {
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [name, each] of Object.entries(value)) {
      if (name === '$ref' && typeof each === 'string') used.add(each)
      visit(each)
    }
  }
  visit(description)
  assert.ok(used.has('#/components/schemas/Payment'))
  for (const reference of used) {
    const [, name = ''] = /^#\/components\/schemas\/(\w+)$/.exec(reference) ?? []
    assert.ok(description.components.schemas[name], reference)
  }
  for (const name of Object.keys(description.components.schemas)) {
    assert.ok(used.has(`#/components/schemas/${name}`), `${name} is used nowhere`)
  }
})

test('headers, parameters, bodies and tokens are described as the routes want them', () => {
  for (const route of routes) {
    const operation = operationOf(route.method, route.path)
    assert.ok(operation)
    assert.equal(operation.operationId, route.doc.name)
    assert.equal(operation.security !== undefined, route.access !== 'anyone', route.path)
    const names = (operation.parameters ?? []).map(({ name }) => name.toLowerCase())
    for (const header of route.headers) assert.ok(names.includes(header), `${route.path} ${header}`)
    for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
      assert.ok(names.includes(name.toLowerCase()))
    }
    for (const name of Object.keys(route.query?.shape ?? {})) assert.ok(names.includes(name), name)
    assert.equal(operation.requestBody !== undefined, route.body !== null)
    const statuses = [String(route.doc.status), 'default']
    if (route.doc.otherwise !== undefined) statuses.push(String(route.doc.otherwise.status))
    assert.deepEqual(Object.keys(operation.responses).toSorted(), statuses.toSorted())
  }
})

test('every example is what its schema says', () => {
  for (const { doc, body, path } of routes) {
    assert.deepEqual(doc.answer.safeParse(doc.example).error, undefined, `${path} ${doc.name}`)
    if (body !== null) assert.deepEqual(body.schema.safeParse(body.example).error, undefined, path)
  }
  assert.deepEqual(problemJson.parse(exampleProblem), exampleProblem)
})

test('what a request must hold is in the description', () => {
  const request = description.components.schemas['PaymentRequest']
  assert.ok(request && 'properties' in request && 'required' in request)
  assert.deepEqual(request.required, ['amount', 'currency', 'payee', 'reference'])
  const { amount, metadata } = request.properties as Record<string, object>
  assert.partialDeepStrictEqual(amount, { type: 'integer', minimum: 1, maximum: 1_000_000_000_000 })
  assert.ok(metadata)
  assert.partialDeepStrictEqual(request, { additionalProperties: false })
})

test('numbers in queries are described as numbers', () => {
  const limit = operationOf('GET', '/v1/payments')?.parameters?.find(({ name }) => name === 'limit')
  assert.partialDeepStrictEqual(limit, { in: 'query', schema: { type: 'integer', maximum: 100 } })
})

const journal: JournalEntry = {
  kind: 'capture',
  paymentId: 'pay_1',
  seq: 6,
  atMs: 0,
  currency: 'EUR',
  livemode: false,
  postings: [
    { account: 'clearing:model/acct_1', amount: 5 },
    { account: 'account:a', amount: -5 },
  ],
}
const books: Ledger = {
  balances: async () => [{ account: 'account:a', currency: 'EUR', livemode: false, amount: -5n }],
  journals: async () => ({ entries: [journal], cursor: null }),
}

const noKeys: ReceiptKeys = {
  sign: async () => ({ kid: '', jws: '' }),
  publicKeys: () => [],
  rotate: async () => '',
}

const upload: SettlementUpload = {
  id: 'stf_0123456789abcdef0123456789',
  name: 'batch_12.csv',
  processor: 'model',
  isExclusive: false,
  received: 3,
  run: null,
}
const settlements: SettlementInbox = {
  open: () => upload,
  read: () => upload,
  add: () => ({ added: 'added' }),
  complete: () => ({ id: upload.id, name: '', isExclusive: false, batches: [], repeats: [] }),
  began: () => undefined,
}

/** A run and a break, by the variables that name them. */
async function withBreak(engine: Engine): Promise<Readonly<Record<string, string>>> {
  const window = { processor: 'model', fromMs: 0, toMs: 1 }
  const run = (await beginReconciliation(engine, window, 'Olga')) ?? ''
  const difference: Difference = {
    type: 'amount_mismatch',
    paymentId: 'pay_1',
    objectId: 'ch_1',
    currency: 'EUR',
    valueAtRisk: 1,
    ours: '',
    theirs: '',
  }
  await keepBreaks(engine, { differences: [difference], processor: 'model', run })
  const [found] = (await scanBreaks(engine, { limit: 1 })).rows
  const ids = { '{agentId}': 'agent_1', '{accountId}': 'account_1' }
  return { ...ids, '{runId}': run, '{breakId}': found?.key ?? '', '{fileId}': upload.id }
}

test('the answers of the app are what their schemas say', async () => {
  const service = { ledger: books, settlements, receipts: noKeys, ...deliveryStub }
  const made = await createParkedWorld({ metrics: true, service })
  await made.ask('POST', '/v1/processors/model/pause', { as: 'operator', body: { reason: 'x' } })
  const named = { ...(await withBreak(made.engine)), ...stubNames }
  for (const { method, path, doc, access } of routes) {
    // What is parked has no receipt: `receipts.test.ts` parses one.
    if (method !== 'GET' || path.endsWith('/receipt')) continue
    const as = access === 'operator' ? 'operator' : 'agent'
    const reply = await made.ask<unknown>(
      method,
      path.replace(
        /\{\w+\}/,
        (name) => Object.entries(named).find(([each]) => each === name)?.[1] ?? made.id,
      ),
      { as },
    )
    assert.equal(reply.status, doc.status, path)
    const told = doc.contentType === undefined ? reply.body : reply.text
    assert.deepEqual(doc.answer.parse(told), told, path)
  }
})
