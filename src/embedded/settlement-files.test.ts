// A settlement file on its whole way: read, sent in pages through the door, compared, told; with what
// breaks off in between.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { createHttpWorld, tokens } from '../../test/http-world.ts'
import { mappingOf } from '../cli/settlement/mapping.ts'
import { digestOf, readRows } from '../cli/settlement/read-lines.ts'
import { sendFile } from '../cli/settlement/send-file.ts'
import { createClient } from '../client/index.ts'
import type { SettlementFile } from '../client/index.ts'
import { defaultReconcilePolicy as policy } from '../core/reconcile.ts'
import { runSettlement } from '../engine/settle-file.ts'
import type { ReconciliationJson } from '../http/reconciliations.ts'
import type { SettlementFileJson } from '../http/settlement-files.ts'
import { openSettlementFiles } from '../stores/sqlite/settlement-inbox.ts'

const mapping = mappingOf(
  JSON.stringify({
    columns: {
      type: 'type',
      payment_id: 'payment',
      object_id: 'object',
      reference: 'ref',
      currency: 'cur',
      amount: 'amount',
      fee: 'fee',
      batch: 'batch',
    },
    types: { sale: 'captured' },
  }),
  'm.json',
)

const head = 'type,payment,object,ref,cur,amount,fee,batch\n'

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-files-'))
  const state = { files: openSettlementFiles(folder, () => 0) }
  t.after(() => {
    state.files.close()
    rmSync(folder, { recursive: true, force: true })
  })
  // The inbox as it is at that moment: a restart opens another one.
  const settlements = {
    open: (...given) => state.files.inbox.open(...given),
    read: (...given) => state.files.inbox.read(...given),
    add: (...given) => state.files.inbox.add(...given),
    complete: (...given) => state.files.inbox.complete(...given),
    began: (...given) => state.files.inbox.began(...given),
  } satisfies typeof state.files.inbox
  const world = await createHttpWorld({ service: { settlements } })
  const fetch = async (input: string | URL | Request, init?: RequestInit) =>
    world.app.request(input instanceof URL ? input.href : input, init)
  const client = createClient({ url: 'http://door', token: tokens.operator, fetch })
  const write = (name: string, rows: string): string => {
    const file = join(folder, name)
    writeFileSync(file, head + rows)
    return file
  }
  const begin = async (file: string, again = false): Promise<SettlementFile> => {
    const digest = await digestOf(file, mapping)
    const offered = await client.openSettlementFile({ name: 'file.csv', digest, again })
    assert(offered.ok)
    return offered.file
  }
  const send = (file: string, upload: SettlementFile) =>
    sendFile(client, { file, mapping, upload, onProgress: () => undefined })
  const compare = async (upload: SettlementFile) => {
    const index = state.files.indexOf(upload.id)
    const run = await runSettlement(world.engine, { id: upload.run ?? '', index, policy })
    index.close(run !== null)
    return run
  }
  const restart = (): void => {
    state.files.close()
    state.files = openSettlementFiles(folder, () => 0)
  }
  return { ...world, client, write, begin, send, compare, restart }
}

test('a file agrees with what was captured; the same file and batch again are told', async (t) => {
  const { pay, toRest, ask, engine, write, begin, send, compare } = await open(t)
  const { id } = await pay()
  await toRest(id)
  const [before] = await engine.store.read([{ table: 'payment', key: id }])
  assert(before?.value.payment.state === 'settled')
  const { objectId, amount, currency, settlement } = before.value.payment
  const row = `sale,${id},${objectId},,${currency},${amount},${settlement.fee},B7\n`
  const file = write('one.csv', row)
  const sent = await send(file, await begin(file))
  const run = await compare(sent)
  assert.deepEqual([run?.status, run?.counts.breaks, run?.counts.matched], ['finished', {}, 1])
  const [after] = await engine.store.read([{ table: 'payment', key: id }])
  assert(after !== null)
  assert.equal(after.value.payment.state, 'settled')
  const again = await begin(file)
  assert.equal(again.run, sent.run)
  // Another file with the same batch, and the row in it twice.
  const repeated = write('two.csv', row + row)
  const second = await send(repeated, await begin(repeated))
  const rerun = await compare(second)
  assert.deepEqual(rerun?.file?.repeats, [{ batch: 'B7', run: sent.run }])
  assert.deepEqual([rerun?.counts.repeated, rerun?.counts.breaks], [1, {}])
  const [unmoved] = await engine.store.read([{ table: 'payment', key: id }])
  assert.equal(unmoved?.version, after.version)
  const shown = await ask<ReconciliationJson>('GET', `/v1/reconciliations/${second.run}`, {
    as: 'operator',
  })
  assert.deepEqual(shown.body.file?.batches, ['B7'])
})

test('what broke off goes on where it was, over a restart; no row is lost and none counts twice', async (t) => {
  const { engine, client, write, begin, send, compare, restart } = await open(t)
  const rows = Array.from(
    { length: 4_500 },
    (_, n) => `sale,,ch_${n},R${n},EUR,${n + 1},1,B${n % 3}`,
  )
  const file = write('long.csv', `${rows.join('\n')}\nsale,half`)
  const upload = await begin(file)
  let pages = 0
  const dying: typeof client = {
    ...client,
    addSettlementLines: async (...given) => {
      pages += 1
      if (pages === 2) {
        // It was stored, and its answer was lost with the service.
        await client.addSettlementLines(...given)
        restart()
        throw new Error('the service was killed')
      }
      return client.addSettlementLines(...given)
    },
  }
  await assert.rejects(
    sendFile(dying, { file, mapping, upload, onProgress: () => undefined }),
    /killed/,
  )
  const found = await begin(file)
  assert.deepEqual([found.id, found.received, found.run], [upload.id, 4_000, null])
  const sent = await send(file, found)
  restart()
  const run = await compare(sent)
  assert.deepEqual(
    [run?.counts.records, run?.counts.foreign, run?.counts.breaks],
    [4_501, 4_500, { unparseable_row: 1 }],
  )
  assert.deepEqual(run?.file?.batches, ['B0', 'B1', 'B2'])
  const page = await engine.store.scan({ table: 'break', limit: 10 })
  assert.deepEqual(
    page.rows.map(({ value }) => value.theirs),
    ['row 4501: it has 2 of 8 columns: sale,half'],
  )
})

test('a page that does not follow, a line that is none and another’s token are refused', async (t) => {
  const { ask, write, begin } = await open(t)
  const file = write('one.csv', 'sale,,ch_1,R1,EUR,5,1,B1\n')
  const { id } = await begin(file)
  const path = `/v1/settlement-files/${id}/lines`
  const post = (body: unknown, as: 'operator' | 'agent' = 'operator') =>
    ask<SettlementFileJson & { code: string; detail: string }>('POST', path, { as, body })
  const line = { line: 1, kind: 'captured', currency: 'EUR', amount: 5 }
  const gap = await post({ from: 3, through: 4, lines: [line] })
  assert.deepEqual([gap.status, gap.body.code], [400, 'invalid_request'])
  for (const wrong of [
    { ...line, amount: 1.5 },
    { ...line, amount: -1 },
    { ...line, currency: 'eur' },
    { ...line, kind: 'sale' },
    { ...line, batch: '\u0000' },
    { ...line, extra: 1 },
  ]) {
    const refused = await post({ from: 0, through: 1, lines: [wrong] })
    assert.equal(refused.status, 400, JSON.stringify(wrong))
  }
  assert.equal((await post({ from: 0, through: 1, lines: [line] }, 'agent')).status, 403)
  const large = { from: 0, through: 1, lines: [{ ...line, reference: 'x'.repeat(1_100_000) }] }
  assert.equal((await post(large)).status, 413)
  const taken = await post({ from: 0, through: 1, lines: [line] })
  assert.deepEqual([taken.status, taken.body.received, taken.body.run], [200, 1, null])
  const had = await post({ from: 0, through: 1, lines: [line] })
  assert.deepEqual([had.status, had.body.received], [200, 1])
  const absent = await ask('GET', '/v1/settlement-files/stf_0123456789abcdef0123456789', {
    as: 'operator',
  })
  assert.equal(absent.status, 404)
})

test('rows are read one by one, however many there are', async (t) => {
  const { write } = await open(t)
  const rows = Array.from({ length: 50_000 }, (_, n) => `sale,,ch_${n},R${n},EUR,${n + 1},1,B1`)
  const file = write('long.csv', `${rows.join('\n')}\n`)
  let count = 0
  for await (const row of readRows(file, mapping)) count += row.line === null ? 0 : 1
  assert.equal(count, 50_000)
})
