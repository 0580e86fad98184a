// The SDK as an agent meets it: a bill brought to its end, words that do not count, errors for those who want
// them, tools for other libraries, and a bundle that runs where there is nothing but the web's own names.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import vm from 'node:vm'

import { bill, createHttpWorld, tokens } from '../../test/http-world.ts'
import type { HttpWorldOptions } from '../../test/http-world.ts'
import {
  createAgentClient,
  langChainTools,
  orThrow,
  outcomeOf,
  paymentTools,
  vercelTools,
} from './index.ts'
import type { AgentClient, Problem } from './index.ts'

const url = 'http://service.test'

/** A client of a whole service without a socket; `lose` says which answers get lost on their way. */
async function clientOf(
  options: HttpWorldOptions = {},
  lose: (count: number) => boolean = () => false,
) {
  const world = await createHttpWorld({ driven: true, ...options })
  const keys: string[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const key = request.headers.get('idempotency-key')
    if (key !== null) keys.push(key)
    const response = await world.app.fetch(request)
    if (key !== null && lose(keys.length)) throw new TypeError('fetch failed')
    return response
  }
  const make = (): AgentClient =>
    createAgentClient({ url, token: tokens.agent, deadlineMs: 8_000, fetch })
  return { client: make(), make, keys, ...world }
}

test('a bill is brought to its end, whatever is lost, by one key', async () => {
  const { client, make, keys, world } = await clientOf({}, (count) => count <= 2)
  const paid = await client.complete(bill)
  assert.equal(paid.outcome, 'paid')
  assert.equal(new Set(keys).size, 1)
  assert.ok(keys.length >= 3)
  // Another process, started anew, knows nothing but the bill.
  const again = await make().complete({ ...bill, description: 'once more' })
  assert.equal(again.outcome, 'paid')
  assert.equal(world.processor.charges.length, 1)
  assert.equal(new Set(keys).size, 1)
})

test('only what decides the payment is compared under a derived key, and what is ignored is told', async () => {
  const { client, world } = await clientOf()
  const first = orThrow(
    await client.pay({ ...bill, description: 'a', metadata: { x: '1', y: '2' } }),
  )
  const worded = {
    ...bill,
    description: 'b',
    metadata: { y: '2', x: '1' },
    batch: 'of today',
    reason: 'urgent',
  }
  const again = orThrow(await client.pay(worded))
  assert.equal(again.payment.id, first.payment.id)
  assert.deepEqual([again.replayed, again.ignored], [true, ['description', 'batch', 'reason']])
  const others = [
    { ...bill, amount: 2000 },
    { ...bill, currency: 'USD' },
    { ...bill, capture: 'manual' },
    { ...bill, payment_method: 'another' },
    { ...bill, processor: 'another' },
  ] as const
  for (const other of others) {
    const refused = await client.pay(other)
    assert.equal(
      refused.ok ? '' : refused.problem.code,
      'idempotency_key_reused',
      JSON.stringify(other),
    )
  }
  const explicit = await client.pay({ ...worded, batch: 'x' }, { key: 'pay//ACME/INV-1/' })
  assert.equal(explicit.ok, false, 'a key of one’s own is held to its word')
  await client.wait(first.payment.id)
  assert.equal(world.processor.charges.length, 1)
})

test('voids and refunds in other words are the same voids and refunds', async () => {
  const { client } = await clientOf()
  const held = orThrow(await client.pay({ ...bill, capture: 'manual' }, { waitSeconds: 5 }))
  orThrow(await client.void(held.payment.id, { reason: 'not needed' }))
  const again = orThrow(await client.void(held.payment.id, { reason: 'really not needed' }))
  assert.deepEqual(again.ignored, ['reason'])
  const paid = orThrow(
    await client.pay({ ...bill, reference: 'INV-2', amount: 900 }, { waitSeconds: 5 }),
  )
  const back = { reference: 'RET-1', amount: 500, reason: 'broken' }
  orThrow(await client.refund(paid.payment.id, back))
  const twice = orThrow(await client.refund(paid.payment.id, { ...back, reason: 'came back' }))
  assert.equal(twice.payment.refunds.length, 1)
  const more = await client.refund(paid.payment.id, { ...back, amount: 600 })
  assert.equal(more.ok ? '' : more.problem.code, 'idempotency_key_reused')
})

test('each answer comes to one of six words, and a problem can be thrown', async () => {
  const { client, ask } = await clientOf()
  const held = orThrow(await client.pay({ ...bill, capture: 'manual' }, { waitSeconds: 5 }))
  assert.equal(outcomeOf(held).outcome, 'authorised')
  assert.equal(
    (await client.complete({ ...bill, reference: 'X', currency: 'EURO' })).outcome,
    'refused',
  )
  await ask('POST', '/v1/stop', { as: 'operator', body: { reason: 'a drill' } })
  assert.equal((await client.complete({ ...bill, reference: 'INV-3' })).outcome, 'needs_person')
  const stopped = await client.pay({ ...bill, reference: 'INV-3' })
  assert.throws(
    () => orThrow(stopped),
    (error) => (error as { problem: Problem }).problem.code === 'stopped',
  )
  const declining = await clientOf({ fault: () => 'decline' })
  assert.equal((await declining.client.complete(bill)).outcome, 'not_paid')
  const broken = createAgentClient({
    url,
    token: null,
    deadlineMs: 200,
    fetch: async () => new Response(null, { status: 500 }),
  })
  assert.equal((await broken.complete(bill)).outcome, 'unknown')
})

test('the same bill under another’s key is followed to its end, a dearer one is not', async () => {
  const { client, pay } = await clientOf()
  const theirs = await pay({}, { as: 'colleague' })
  const followed = await client.complete(bill)
  assert.equal(followed.outcome === 'paid' ? followed.payment.id : '', theirs.id)
  assert.equal((await client.complete({ ...bill, amount: 2000 })).outcome, 'refused')
})

test('the mandate can be looked at', async () => {
  const { client } = await clientOf()
  assert.equal(orThrow(await client.mandate()).mandate.agent.id, 'agent_1')
})

test('a tool that is cancelled has paid all the same', async () => {
  const { client, world } = await clientOf()
  const pay = paymentTools(client).find(({ name }) => name === 'pay')
  const told = await pay?.run(bill, AbortSignal.abort())
  assert.deepEqual([told?.isError, told?.answer.money_moved], [false, 'yes'])
  assert.equal(world.processor.charges.length, 1)
})

test('the shapes that the Vercel AI SDK and LangChain look for are there, and pay', async () => {
  const { client, world } = await clientOf()
  const { pay } = vercelTools(client)
  assert.ok(pay !== undefined)
  // As `asSchema` of the SDK looks at it.
  const schema = pay.inputSchema as unknown as Readonly<Record<symbol, unknown>>
  assert.equal(schema[Symbol.for('vercel.ai.schema')], true)
  assert.ok('jsonSchema' in schema && 'validate' in schema)
  const told = await pay.execute(bill, { abortSignal: AbortSignal.timeout(5_000) })
  assert.deepEqual([told.is_error, told.money_moved], [false, 'yes'])
  const tool = langChainTools(client).find(({ name }) => name === 'pay')
  assert.ok(tool !== undefined)
  assert.equal(tool.schema.type, 'object')
  const toolCall = { type: 'tool_call', id: 'call_1', name: 'pay', args: bill }
  for (const input of [bill, toolCall]) {
    const answer = JSON.parse(await tool.invoke(input)) as { payment: { id: string } }
    assert.equal(answer.payment.id, told.payment?.id)
  }
  assert.equal(world.processor.charges.length, 1)
})

// ── Where it runs ────────────────────────────────────────────────────────────────────────────────

const root = join(import.meta.dirname, '..', '..')
const esbuild = join(root, 'node_modules', '.bin', 'esbuild')
const skip = existsSync(esbuild) ? false : 'esbuild comes with the workspace of the infrastructure'

function bundle(code: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-bundle-'))
  try {
    const [entry, out] = [join(folder, 'entry.ts'), join(folder, 'out.js')]
    const from = JSON.stringify(join(import.meta.dirname, 'index.ts'))
    writeFileSync(entry, code.replace('quittance/client', JSON.parse(from) as string))
    const args = [
      entry,
      '--bundle',
      '--minify',
      '--format=iife',
      '--platform=browser',
      `--outfile=${out}`,
    ]
    const env = {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    }
    const built = spawnSync(esbuild, args, { encoding: 'utf8', env })
    assert.equal(built.status, 0, built.stderr)
    return readFileSync(out, 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test(
  'a bundle of the agent’s client has less than 10 KB and nothing of Node in it',
  { skip },
  (t) => {
    const text = bundle(
      "import { createAgentClient as c } from 'quittance/client'; globalThis.made = c",
    )
    t.diagnostic(`${text.length} bytes minified`)
    assert.ok(text.length < 10_000, `${text.length} bytes`)
    assert.doesNotMatch(text, /node:|require\(|\bBuffer\b|\bprocess\b/)
  },
)

test('it pays where there is nothing but what the web has', { skip }, async () => {
  const { app, world } = await createHttpWorld({ driven: true })
  const asked = async (input: string, init: RequestInit): Promise<Response> =>
    app.fetch(new Request(input, init))
  const web = {
    fetch: asked,
    crypto,
    TextEncoder,
    URLSearchParams,
    Headers,
    AbortSignal,
    performance,
    setTimeout,
    clearTimeout,
  }
  const context = vm.createContext({ ...web })
  const code = "import { createAgentClient as c } from 'quittance/client'; globalThis.made = c"
  vm.runInContext(bundle(code), context)
  const make = (context as unknown as { made: typeof createAgentClient }).made // what the bundle left there
  const client = make({ url, token: tokens.agent, fetch: asked as typeof fetch })
  const long = { ...bill, reference: 'x'.repeat(250) }
  assert.equal((await client.complete(long)).outcome, 'paid')
  assert.equal(world.processor.charges.length, 1)
})
