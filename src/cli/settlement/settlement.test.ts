// Settlement files as they come: whole, cut, in other forms, and what is told of each.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { mappingOf, readMapping } from './mapping.ts'
import type { Mapping } from './mapping.ts'
import { digestOf, readRows } from './read-lines.ts'
import type { Row } from './read-lines.ts'

const plain = mappingOf(
  JSON.stringify({
    columns: { type: 'type', reference: 'ref', currency: 'cur', amount: 'amount', fee: 'fee' },
    optional: ['fee'],
    types: { sale: 'captured', back: 'refunded' },
  }),
  'plain.json',
)

function fileOf(t: TestContext, content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-settlement-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'file.csv')
  writeFileSync(file, content)
  return file
}

async function read(file: string, mapping: Mapping = plain, skip = 0): Promise<readonly Row[]> {
  await digestOf(file, mapping)
  const rows: Row[] = []
  for await (const row of readRows(file, mapping, skip)) rows.push(row)
  return rows
}

const head = 'type,ref,cur,amount,fee\n'
const amounts = (rows: readonly Row[]) => rows.map(({ line }) => line?.amount ?? null)

test('the sample in Adyen’s column names is read as its mapping says', async () => {
  const mapping = await readMapping('examples/settlement-mapping.json')
  const rows = await read('examples/settlement.csv', mapping)
  assert.deepEqual(rows[0]?.line, {
    line: 1,
    kind: 'captured',
    currency: 'EUR',
    amount: 1_999,
    fee: 33,
    payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
    object_id: 'QX7KDNHRJ5PT4N65',
    movement_id: 'MK3TLV9RWQ2PF582',
    reference: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
    batch: '12',
    settled_at: '2026-01-29T09:14:07.000Z',
  })
  const kinds = rows.map(({ line }) => line?.kind)
  assert.deepEqual(kinds, ['captured', 'captured', 'captured', 'refunded', 'other', 'other'])
  assert.equal(rows[3]?.line?.amount, 2_000)
})

test('columns stand in any order, some are absent, and marks and delimiters are as the mapping says', async (t) => {
  const other = { ...plain, delimiter: ';', amounts: 'decimal_comma' } as const
  const rows = await read(
    fileOf(t, 'cur;amount;type;x;ref\nEUR;12,5;sale;;A\nJPY;7;sale;;B\n'),
    other,
  )
  assert.deepEqual(amounts(rows), [1_250, 7])
  const bom = await read(fileOf(t, `\ufeff${head}sale,A,EUR,5,1\n`))
  assert.deepEqual(amounts(bom), [5])
  const wide = { ...plain, encoding: 'utf-16le' } as const
  const utf16 = Buffer.from(`\ufeff${head}sale,Ä,EUR,5,1\n`, 'utf16le')
  assert.equal((await read(fileOf(t, utf16), wide))[0]?.line?.reference, 'Ä')
  const old = { ...plain, encoding: 'windows-1252' } as const
  const latin = Buffer.from(`${head}sale,\u00c4,EUR,5,1\n`, 'latin1')
  assert.equal((await read(fileOf(t, latin), old))[0]?.line?.reference, 'Ä')
})

test('a row that cannot be read is kept with its place, and the others are read', async (t) => {
  const rows = await read(
    fileOf(
      t,
      `${head}sale,A,EUR,5,1\nsale,B\nsale,C,EUR,x,1\ngift,D,EUR,5,1\nsale,E,XXQ,5,1\nsale,F,EUR,-5,1\nsale,G,EUR,6,`,
    ),
  )
  assert.deepEqual(amounts(rows), [5, null, null, null, null, null, 6])
  assert.deepEqual(
    rows.flatMap(({ unreadable }) => unreadable ?? []),
    [
      'row 2: it has 2 of 5 columns: sale,B',
      'row 3: "x" in "amount" is no amount: sale,C,EUR,x,1',
      'row 4: its type "gift" is not in the mapping: gift,D,EUR,5,1',
      'row 5: "XXQ" is no currency: sale,E,XXQ,5,1',
      'row 6: "amount" of a capture is negative: sale,F,EUR,-5,1',
    ],
  )
})

test('a file that was cut off is read to its last whole row, and the half row is told', async (t) => {
  const cut = await read(fileOf(t, `${head}sale,A,EUR,5,1\nsale,B,EU`))
  assert.deepEqual(amounts(cut), [5, null])
  const quoted = await read(fileOf(t, `${head}sale,A,EUR,5,1\nsale,"B`))
  assert.deepEqual(quoted[1]?.unreadable, 'row 2: the file ends inside a quote')
})

test('what makes the whole file doubtful ends it, and says what to do', async (t) => {
  const cases: readonly (readonly [string | Buffer, RegExp, Mapping?])[] = [
    ['', /is empty/],
    ['type,ref,cur\nsale,A,EUR\n', /has no column "amount" \(amount\); it has: type, ref, cur/],
    [`type,${head}`, /has two columns "type"/],
    [`${head}sale,A,EUR,12.30,1\n`, /row 1: "amount" is "12\.30".*minor_units/],
    [`${head}sale,A,EUR,5,1\nsale,B,EUR,"1.234,50",1\n`, /row 2: .*"1\.234,50".*minor_units/],
    [`${head}sale,A,EUR,"12,30",1\n`, /decimal_point/, { ...plain, amounts: 'decimal_point' }],
    [Buffer.from(`${head}sale,\u00c4,EUR,5,1\n`, 'latin1'), /is not utf-8.*windows-1252/],
    [Buffer.from(head, 'utf16le'), /looks like UTF-16/],
    [
      `${head}sale,"A,EUR,5,1\n${'sale,B,EUR,5,1\n'.repeat(40)}sale,Z,EUR,5,1\n`,
      /quote is opened in row 1 and not closed/,
    ],
  ]
  for (const [content, sentence, mapping = plain] of cases) {
    await assert.rejects(async () => read(fileOf(t, content), mapping), { message: sentence })
  }
  // A quote swallowed the row after it: as one row they would be lost.
  const swallowed = `${head}sale,"A,EUR\nsale,B",5,1\nsale,C,EUR,5,1\n`
  await assert.rejects(async () => read(fileOf(t, swallowed)), {
    message: /quote in it is not closed/,
  })
})

test('a mapping says too little or too much: which, and where', () => {
  const columns = { type: 't', currency: 'c', amount: 'a', reference: 'r' }
  const types = { x: 'captured' }
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{', /is no JSON/],
    [JSON.stringify({ columns: { ...columns, colour: 'x' }, types }), /columns: .*colour/],
    [JSON.stringify({ columns: { ...columns, reference: undefined }, types }), /must name one of/],
    [JSON.stringify({ columns, types: { x: 'sold' } }), /types\.x/],
    [JSON.stringify({ columns, types, optional: ['fees'] }), /"fees", which is none/],
    [JSON.stringify({ columns, types, amounts: 'euros' }), /amounts/],
  ]
  for (const [text, sentence] of cases) {
    assert.throws(() => mappingOf(text, 'm.json'), { message: sentence }, text)
  }
})

test('a file is known by its bytes and by how it is read; what was sent is passed over', async (t) => {
  const file = fileOf(t, `${head}sale,A,EUR,5,1\nsale,B,EUR,6,1\n`)
  const digest = await digestOf(file, plain)
  assert.equal(await digestOf(file, plain), digest)
  assert.notEqual(await digestOf(file, { ...plain, exclusive: true }), digest)
  const rest = await read(file, plain, 1)
  assert.deepEqual([rest.length, rest[0]?.place, rest[0]?.line?.amount], [1, 2, 6])
})
