import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { createSimulator } from './simulator.ts'
import { bill, clientOf } from './testkit.ts'
import type { ChargeJson, TestClient } from './testkit.ts'

function newFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'ledger.db')
}

async function withFile<T>(file: string, work: (client: TestClient) => Promise<T>): Promise<T> {
  const { app, close } = createSimulator({ file, slowMs: [40, 50] })
  try {
    return await work(clientOf((path, init) => app.request(path, init)))
  } finally {
    close()
  }
}

test('charges, keys, blocks, faults, counts and the webhook outlive a restart', async (t) => {
  const file = newFile(t)
  const script = [{ match: { reference: 'pay_3', nth: 2 }, fault: '504_before' }]
  const first = await withFile(file, async ({ post, put }) => {
    await put('/faults', { seed: 9, script })
    await post('/v1/cancellations', { reference: 'pay_2' })
    await post('/v1/charges', bill({ reference: 'pay_3' }))
    return post('/v1/charges', bill({ capture: true }), 'k')
  })
  await withFile(file, async ({ get, post }) => {
    const again = await post('/v1/charges', bill({ capture: true }), 'k')
    assert.deepEqual([again.text, again.headers.get('idempotent-replayed')], [first.text, 'true'])
    assert.equal((await post('/v1/charges', bill({ reference: 'pay_2' }))).status, 409)
    assert.equal((await post('/v1/charges', bill({ reference: 'pay_3' }))).status, 504)
    const { id } = (await post('/v1/charges', bill({ reference: 'pay_4' }))).json()
    assert.notEqual(id, first.json().id)
    const { calls } = (await get('/stats')).json<{ calls: Record<string, number> }>()
    assert.equal(calls['authorise'], 6)
  })
})

test('a key that was at work when everything stopped was not executed', async (t) => {
  const file = newFile(t)
  const cut = await withFile(file, async ({ put, post }) => {
    await put('/faults', { script: [{ match: { nth: 1 }, fault: 'slow' }] })
    const lost = assert.rejects(post('/v1/charges', bill(), 'k'), /fetch failed/)
    await sleep(10)
    return { lost }
  })
  await cut.lost
  await withFile(file, async ({ get, post }) => {
    const list = (await get('/v1/charges?payment=pay_1')).json<{ data: unknown[] }>()
    assert.deepEqual(list.data, [])
    const reply = await post('/v1/charges', bill(), 'k')
    assert.deepEqual([reply.status, reply.headers.get('idempotent-replayed')], [200, null])
  })
})

test('ids do not repeat after a restart, even where the clock stands still', async (t) => {
  const file = newFile(t)
  const ids = new Set<string>()
  for (let life = 0; life < 3; life += 1) {
    const { app, close } = createSimulator({ file, nowMs: () => 0 })
    const { post } = clientOf((path, init) => app.request(path, init))
    ids.add((await post('/v1/charges', bill())).json().id)
    close()
  }
  assert.equal(ids.size, 3)
})

test('of a transaction that fails nothing is written', (t) => {
  const { ledger, close } = createSimulator()
  t.after(close)
  const fail = (): never => {
    ledger.count('fence', 'pay_1')
    throw new Error('in the middle')
  }
  assert.throws(() => ledger.transaction(fail), /in the middle/)
  assert.equal(ledger.counted('fence', 'pay_1'), 0)
})

test('a second simulator on the same file does not start', (t) => {
  const file = newFile(t)
  const first = createSimulator({ file })
  t.after(() => first.close())
  assert.throws(() => createSimulator({ file }), /locked/)
})

test('killed under load it loses nothing that it answered and doubles nothing', async (t) => {
  const file = newFile(t)
  const answered = new Map<string, string>()
  for (const answersOfLife of [40, 80]) {
    const { client, kill } = await startChild(t, file)
    let answers = 0
    // Each of four callers goes through the same keys in both lives, until its connection is cut.
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let count = 0; ; count += 1) {
        const key = `k${caller}-${count}`
        const metadata = { payment: key }
        const body = bill({ capture: true, reference: key, metadata })
        const { status, text } = await client.post('/v1/charges', body, key)
        assert.equal(status, 200)
        assert.equal(text, answered.get(key) ?? text, 'the same answer as in the life before')
        answered.set(key, text)
        answers += 1
        // The other three calls are cut in the middle.
        if (answers === answersOfLife) void kill()
      }
    })
    for (const { reason } of (await Promise.allSettled(callers)).filter(isRejected)) {
      assert.ok(reason instanceof TypeError, String(reason))
    }
    await kill()
  }
  await withFile(file, async ({ get }) => {
    const ledger = (await get('/ledger')).json<{
      charges: readonly (ChargeJson & { captures: number; reference: string })[]
    }>()
    const byReference = new Map(ledger.charges.map((charge) => [charge.reference, charge]))
    assert.equal(byReference.size, ledger.charges.length, 'no charge twice')
    assert.ok(ledger.charges.every(({ captures }) => captures === 1))
    for (const key of answered.keys()) assert.ok(byReference.has(key), `${key} is lost`)
    assert.ok(answered.size >= 60, `only ${answered.size} calls`)
  })
})

function isRejected<T>(result: PromiseSettledResult<T>): result is PromiseRejectedResult {
  return result.status === 'rejected'
}

/** The simulator in a process of its own, to be killed without warning. */
async function startChild(
  t: TestContext,
  file: string,
): Promise<{ client: TestClient; kill: () => Promise<unknown> }> {
  const module = new URL('simulator.ts', import.meta.url).href
  const source = `
    const { startSimulator } = await import(${JSON.stringify(module)})
    console.log((await startSimulator({ file: ${JSON.stringify(file)} })).url)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source])
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  const kill = (): Promise<unknown> => {
    child.kill('SIGKILL')
    return exited
  }
  return { client: clientOf((path, init) => fetch(url + path, init)), kill }
}
