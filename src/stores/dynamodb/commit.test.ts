// What becomes of a write under each answer that a table can give, told by a client that gives it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

import type { Action, Write } from '../../ports.ts'
import { initiated, key, paymentRow, put, putPayment, record, write } from '../contract/builders.ts'
import { named } from '../contract/dynamo-faults.ts'
import type { Client } from './client.ts'
import { openDynamoStore } from './store.ts'

type Answer = 'done' | Error
type Item = Record<string, AttributeValue>

/** A table that answers from a list, and then that all is done. */
function scripted(...answers: Answer[]) {
  const asked: { readonly isPlain: boolean; readonly input: object }[] = []
  const send = async (command: object) => {
    assert(command instanceof TransactWriteItemsCommand || command instanceof UpdateItemCommand)
    asked.push({
      isPlain: command instanceof UpdateItemCommand,
      input: structuredClone(command.input),
    })
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return {}
  }
  // Only what this store asks of a client.
  const client = { send, destroy: () => undefined } as unknown as Client
  const store = openDynamoStore({ client, table: 'none', sleep: async () => undefined })
  return { store, asked }
}

const tokens = (asked: readonly { input: object }[]) =>
  asked.map(({ input }) => ('ClientRequestToken' in input ? input.ClientRequestToken : null))

/** As the table says it: one code for each action, with the item as it was. */
function cancelled(...reasons: readonly (string | readonly [string, Item])[]): Error {
  const told = reasons.map((reason) =>
    typeof reason === 'string' ? { Code: reason } : { Code: reason[0], Item: reason[1] },
  )
  const error = named('TransactionCanceledException', 'Transaction cancelled')
  return Object.assign(error, { CancellationReasons: told })
}

const refused = (item: Item) => ['ConditionalCheckFailed', item] as const
const s = (S: string) => ({ S })
const n = (N: number) => ({ N: String(N) })

const claim = () =>
  write(
    put('key', 'k', key('pay_1'), { absent: true }),
    put('reference', 'r', { paymentId: 'pay_1' }),
  )

const committed = { result: 'committed' }

test('dynamodb: an item that shows our own id means committed, whatever else failed', async () => {
  const ours = claim()
  const { store } = scripted(
    cancelled(refused({ c: s('cmt_other'), v: n(3) }), refused({ c: s(ours.commitId), v: n(1) })),
  )
  assert.deepEqual(await store.commit(ours), committed)
})

test('dynamodb: a conflict names exactly the rows whose condition failed', async () => {
  const { store, asked } = scripted(cancelled(refused({ c: s('cmt_other'), v: n(1) }), 'None'))
  assert.deepEqual(await store.commit(claim()), {
    result: 'conflict',
    rows: [{ table: 'key', key: 'k' }],
  })
  assert.equal(asked.length, 1)
})

test("dynamodb: a failed condition says the payment's row, its events, or both", async () => {
  const both = () =>
    write(putPayment(paymentRow(initiated('pay_1')), { version: 1 }), record('pay_1', 2, 3))
  const answer = async (head: Item) => {
    const { store } = scripted(cancelled(refused(head), 'None'))
    const result = await store.commit(both())
    return result.result === 'conflict' ? result.rows.map((row) => row.key) : result
  }
  assert.deepEqual(await answer({ v: n(2), n: n(1), c: s('x') }), ['pay_1'])
  assert.deepEqual(await answer({ v: n(1), n: n(2), c: s('x') }), ['pay_1/2'])
  assert.deepEqual(await answer({ v: n(2), n: n(9), c: s('x') }), ['pay_1', 'pay_1/2', 'pay_1/3'])
})

const passing: readonly Error[] = [
  cancelled('TransactionConflict', 'None'),
  // The condition beside it was judged, or not: nobody knows.
  cancelled(refused({ c: s('cmt_other'), v: n(1) }), 'TransactionConflict'),
  cancelled('None', 'ThrottlingError'),
  cancelled('ProvisionedThroughputExceeded', 'None'),
  named('ProvisionedThroughputExceededException', 'too fast'),
  named('ThrottlingException', 'too fast'),
  named('RequestLimitExceeded', 'too fast'),
  named('TransactionInProgressException', 'under way'),
  named('InternalServerError', 'try again'),
  named('TimeoutError', 'socket timed out'),
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
]

for (const error of passing) {
  const reasons = 'CancellationReasons' in error ? JSON.stringify(error.CancellationReasons) : ''
  test(`dynamodb: the same request is asked again after ${error.name} ${reasons}`, async () => {
    const { store, asked } = scripted(error, error, 'done')
    assert.deepEqual(await store.commit(claim()), committed)
    assert.equal(asked.length, 3)
    assert.deepEqual(asked[1]?.input, asked[0]?.input)
    assert.deepEqual(asked[2]?.input, asked[0]?.input)
  })

  test(`dynamodb: patience ends with unknown, never with an error: ${error.name} ${reasons}`, async () => {
    const { store, asked } = scripted(error)
    assert.equal((await store.commit(claim())).result, 'unknown')
    assert(asked.length > 5 && asked.length < 30)
  })
}

test('dynamodb: without rights or a table the answer is unknown at once', async () => {
  for (const name of ['AccessDeniedException', 'ResourceNotFoundException']) {
    const { store, asked } = scripted(named(name, 'no'))
    assert.deepEqual(await store.commit(claim()), { result: 'unknown', why: `${name}: no` })
    assert.equal(asked.length, 1)
  }
})

test('dynamodb: a request that can never be right is a bug', async () => {
  for (const error of [
    named('IdempotentParameterMismatchException', 'another request had this token'),
    named('ValidationException', 'no such attribute'),
    cancelled('None', 'ValidationError'),
  ]) {
    await assert.rejects(scripted(error).store.commit(claim()), /Exception|ValidationError/)
  }
})

test('dynamodb: a token has at most 36 characters and is of one call only', async () => {
  const { store, asked } = scripted('done')
  const long: Write = { ...claim(), commitId: 'cmt_'.padEnd(80, 'x') }
  await store.commit(long)
  await store.commit(long)
  await store.commit({ ...claim(), commitId: 'cmt_01MCC5RM00N7F2AFSP0YAK6PV0' })
  const told = tokens(asked).map(String)
  assert(told.every((token) => token.length <= 36 && token.length >= 30))
  assert.equal(new Set(told).size, 3)
  assert.match(told[2] ?? '', /^cmt_01MCC5RM00N7F2AFSP0YAK6PV0/)
})

// ── After a lost answer ──────────────────────────────────────────────────────────────────────────

const lost = named('TimeoutError', 'the answer was lost')

const reserve: Action = {
  do: 'add',
  table: 'budget',
  key: 'b',
  left: -10,
  spent: 0,
  if: { leftAtLeast: 10, mandateVersion: 1 },
}

const budgetItem = { v: n(4), c: s('x'), lf: n(3), mv: n(1), cl: { BOOL: false } }

test('dynamodb: too little is left, but a lost try may still arrive when there is more: unknown', async () => {
  const writes = () => write(reserve, put('key', 'k', key('pay_1'), { absent: true }))
  const refusal = cancelled(refused(budgetItem), 'None')
  const sure = scripted(refusal)
  assert.equal((await sure.store.commit(writes())).result, 'conflict')
  const unsure = scripted(lost, refusal)
  assert.equal((await unsure.store.commit(writes())).result, 'unknown')
})

test('dynamodb: a version that has gone by never comes back: a conflict also after a lost try', async () => {
  const { store } = scripted(lost, cancelled(refused({ v: n(3), c: s('x') }), 'None'))
  const late = write(put('slot', 's', { tatMs: 1 }, { version: 2 }), record('pay_1', 1))
  assert.equal((await store.commit(late)).result, 'conflict')
})

// ── Plain requests ───────────────────────────────────────────────────────────────────────────────

const failedCheck = (item: Item) =>
  Object.assign(named('ConditionalCheckFailedException', 'no'), { Item: item })

const alone = () => write(put('slot', 's', { tatMs: 1 }, { version: 2 }))

test('dynamodb: one guarded put goes out alone, anything else as a transaction', async () => {
  const kinds: [Write, boolean][] = [
    [alone(), true],
    [write(put('webhook', 'w', { ...webhookRow }, { absent: true })), true],
    [write(putPayment(paymentRow(initiated('pay_1')), { version: 1 })), true],
    [write(put('slot', 's', { tatMs: 1 })), false],
    [write(reserve), false],
    [write({ ...reserve, if: { version: 1 } }), false],
    [write(record('pay_1', 1)), false],
    [claim(), false],
  ]
  for (const [each, isPlain] of kinds) {
    const { store, asked } = scripted('done')
    await store.commit(each)
    assert.equal(asked[0]?.isPlain, isPlain, JSON.stringify(each.actions))
  }
})

const webhookRow = {
  processor: 'p',
  eventId: 'e',
  receivedAtMs: 1,
  paymentId: null,
  attemptId: null,
  object: {} as never,
  observedAtMs: null,
  matched: false,
}

test('dynamodb: alone, it was written or overwritten after a lost answer: committed or unknown', async () => {
  const ours = alone()
  const there = scripted(lost, failedCheck({ v: n(3), c: s(ours.commitId) }))
  assert.deepEqual(await there.store.commit(ours), committed)
  const overwritten = scripted(lost, failedCheck({ v: n(4), c: s('cmt_other') }))
  assert.equal((await overwritten.store.commit(alone())).result, 'unknown')
  const sure = scripted(failedCheck({ v: n(4), c: s('cmt_other') }))
  assert.deepEqual(await sure.store.commit(alone()), {
    result: 'conflict',
    rows: [{ table: 'slot', key: 's' }],
  })
})

// ── Reads ────────────────────────────────────────────────────────────────────────────────────────

test('dynamodb: a read waits for a busy table, and rejects where it cannot be read', async () => {
  const keys = [
    { table: 'key', key: 'a' },
    { table: 'key', key: 'b' },
  ] as const
  let tries = 0
  const open = (...answers: Answer[]) => {
    tries = 0
    const send = async () => {
      const answer = answers[Math.min(tries, answers.length - 1)]
      tries += 1
      if (answer instanceof Error) throw answer
      return { Responses: [{}, {}] }
    }
    const client = { send, destroy: () => undefined } as unknown as Client
    return openDynamoStore({ client, table: 'none', sleep: async () => undefined })
  }
  const busy = cancelled('TransactionConflict', 'None')
  assert.deepEqual(await open(busy, lost, 'done').read(keys), [null, null])
  await assert.rejects(open(busy).read(keys), /cancelled/)
  await assert.rejects(open(named('AccessDeniedException', 'no')).read(keys), /no/)
  assert.equal(tries, 1)
})
