// What every store refuses as a bug of its caller, before anything else happens. A conflict or a
// failing disk is no bug: stores answer those.
import assert from 'node:assert/strict'
import type { PaymentEvent } from '../core/payment.ts'
import { maxActions } from '../ports.ts'
import type { Action, Condition, Put, RowKey, Write } from '../ports.ts'

/** A consistent read of DynamoDB takes no more keys. */
const maxKeys = 100

/** A page of a list, as the port states it. */
const maxPage = 100

/** Two actions with one name are on one row. All events of a payment count as one row. */
function rowName(action: Action): string {
  return action.do === 'record' ? `event ${action.paymentId}` : `${action.table} ${action.key}`
}

export function assertWrite({ commitId, actions }: Write): void {
  assert(commitId !== '', 'a write needs a commit id')
  assert(actions.length >= 1, 'a write needs an action')
  assert(actions.length <= maxActions, `a write has at most ${maxActions} actions`)
  const names = new Set<string>()
  for (const action of actions) {
    const name = rowName(action)
    assert(!names.has(name), `two actions on one row: ${name}`)
    names.add(name)
    assertAction(action)
  }
}

function assertAction(action: Action): void {
  if (action.do === 'record') return assertRecord(action.paymentId, action.events)
  assertKey(action.key)
  assertCondition(action.table, action.if)
  if (action.do === 'put') assertPut(action)
  if (action.do === 'add') {
    assert(Number.isSafeInteger(action.left), 'left is an integer')
    assert(Number.isSafeInteger(action.spent), 'spent is an integer')
  }
}

// Stores sort by these: an index may refuse or misplace a time that is no whole number.
function assertPut(action: Put): void {
  if (action.table === 'payment') {
    const { payment, dueAtMs, run } = action.value
    assert(action.key === payment.id, 'a payment is stored under its own id')
    assert(dueAtMs === null || Number.isSafeInteger(dueAtMs), 'dueAtMs is an integer')
    assert(Number.isSafeInteger(run), 'run is an integer')
  }
  if (action.table === 'webhook') {
    const { receivedAtMs, observedAtMs } = action.value
    assert(Number.isSafeInteger(receivedAtMs), 'receivedAtMs is an integer')
    assert(observedAtMs === null || Number.isSafeInteger(observedAtMs), 'observedAtMs is one')
  }
}

function assertRecord(paymentId: string, events: readonly PaymentEvent[]): void {
  assertKey(paymentId)
  const first = events[0]?.seq ?? 0
  assert(Number.isSafeInteger(first) && first >= 1, 'a record holds events, numbered from 1')
  for (const [index, event] of events.entries()) {
    assert(event.paymentId === paymentId, 'a record holds events of one payment')
    assert(event.seq === first + index, 'the events of a record have consecutive numbers')
  }
}

// The types let any action carry any condition; these two read columns that one table has.
function assertCondition(table: string, condition: Condition): void {
  if (condition === null) return
  if ('leftAtLeast' in condition) assert(table === 'budget', `${table} has nothing left`)
  if ('paymentIs' in condition) assert(table === 'reference', `${table} names no payment`)
}

// A lone surrogate would be replaced on its way to a disk, and two keys become one.
function assertKey(key: string): void {
  assert(key !== '' && key.isWellFormed(), 'a key is well-formed text')
}

export function assertKeys(keys: readonly RowKey[]): void {
  assert(keys.length <= maxKeys, `a read takes at most ${maxKeys} keys`)
}

export function assertLimit(limit: number): void {
  assert(Number.isSafeInteger(limit) && limit >= 1, 'a limit is a whole number from 1')
}

export function assertPage({ limit }: { readonly limit: number }): void {
  assertLimit(limit)
  assert(limit <= maxPage, `a page has at most ${maxPage} rows`)
}

/** A receipt is a position that `unpublished` gave out; anything else would skip events. */
export function readReceipt(receipt: string, lastPosition: number): number {
  const position = Number(receipt)
  assert(/^\d+$/.test(receipt) && position <= lastPosition, `no such receipt: ${receipt}`)
  return position
}
