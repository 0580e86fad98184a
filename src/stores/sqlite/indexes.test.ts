// The files in which records and lines wait for their comparison.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import * as build from '../../../test/build.ts'
import type { ProcessorRecord } from '../../core/reconcile.ts'
import type { SettlementLine } from '../../core/settlement.ts'
import { openRecordIndex } from './record-index.ts'
import { openSettlementFiles } from './settlement-inbox.ts'
import { openSettlementIndex } from './settlement-index.ts'

const record = (paymentId: string | null, objectId: string): ProcessorRecord => ({
  object: build.object('captured', { objectId }),
  paymentId,
  isForeign: false,
  createdAtMs: 0,
})

test('records of one payment stay together, wherever a page of them ends', () => {
  const ids = ['pay_1', 'pay_2', 'pay_3', 'pay_4']
  const records = ids.flatMap((id) => ['a', 'b', 'c'].map((each) => record(id, `${id}_${each}`)))
  const index = openRecordIndex(':memory:')
  const page = { result: 'page', unreadable: [], cursor: null } as const
  assert.equal(index.add({ ...page, records: [...records, record(null, 'ch_x')] }), 13)
  assert.equal(index.add({ ...page, records }), 0)
  for (const limit of [1, 2, 3, 4, 5, 7, 100]) {
    const found: (readonly [string, number])[] = []
    for (let before: string | null = null; ;) {
      const groups = index.groups(before, '', limit)
      if (groups.length === 0) break
      found.push(...groups.map((each) => [each.paymentId, each.records.length] as const))
      before = groups.at(-1)?.paymentId ?? null
    }
    assert.deepEqual(
      found,
      ids.toReversed().map((id) => [id, 3]),
      `limit ${limit}`,
    )
  }
  const some = index.groups('pay_4', 'pay_2', 100).map(({ paymentId }) => paymentId)
  assert.deepEqual(some, ['pay_3', 'pay_2'])
  assert.deepEqual([index.ownerOf('pay_2_b'), index.ownerOf('ch_x')], ['pay_2', null])
  index.close(true)
})

const line = (number: number): SettlementLine => ({
  line: number,
  kind: 'captured',
  paymentId: null,
  attemptId: null,
  objectId: `ch_${number}`,
  movementId: null,
  reference: `R${number % 2}`,
  currency: 'EUR',
  amount: 5,
  fee: null,
  batch: `B${number}`,
  settledAtMs: null,
})

test('a page of lines that comes again is not taken again, and one that does not follow is refused', () => {
  const index = openSettlementIndex(':memory:')
  const page = { from: 0, through: 3, lines: [1, 2].map(line), unreadable: ['row 3: half'] }
  assert.equal(index.add({ ...page, from: 1 }), 'gap')
  assert.equal(index.add(page), 'added')
  assert.equal(index.add(page), 'had')
  assert.deepEqual([index.received(), index.unreadableCount()], [3, 1])
  index.complete()
  assert.equal(index.add({ ...page, from: 3, through: 6 }), 'had')
  const groups = index.groups('', 10)
  assert.deepEqual(
    groups.map(({ subject, lines }) => [subject, lines.length]),
    [
      ['rr0', 1],
      ['rr1', 1],
    ],
  )
  assert.deepEqual(index.batches(1), ['B1'])
  index.close(true)
})

test('an upload that nobody goes on with is let go of after a week, and a run that ended is not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-inbox-'))
  let now = 0
  const open = () => openSettlementFiles(folder, () => now)
  const offer = { name: 'f', processor: 'model', digest: '0'.repeat(64), isExclusive: false }
  const first = open()
  const upload = first.inbox.open(offer, false)
  const other = first.inbox.open({ ...offer, processor: 'another' }, false)
  assert.notEqual(upload.id, other.id)
  const page = { from: 0, through: 1, lines: [line(1)], unreadable: [] }
  for (const { id } of [upload, other]) first.inbox.add(id, page)
  first.inbox.complete(other.id)
  first.inbox.began(other.id, 'rec_1')
  first.close()
  now = 8 * 86_400_000
  const second = open()
  assert.equal(second.inbox.read(upload.id), null)
  assert.equal(second.inbox.read(other.id)?.run, 'rec_1')
  const anew = second.inbox.open({ ...offer, processor: 'another' }, true)
  assert.deepEqual([anew.received, anew.run], [0, null])
  second.close()
  rmSync(folder, { recursive: true })
})
