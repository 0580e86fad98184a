// What an item holds, and how a row becomes one. A row is there while its item has a version: payments
// leave behind how far their events go. Amounts that conditions compare are attributes of their own;
// all else is packed text.
import assert from 'node:assert/strict'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

import { normalise } from '../../core/normalise.ts'
import type { Put, Row, RowKey, TableName, Tables } from '../../ports.ts'
import { pack, unpack } from './packed.ts'
import {
  accountPartition,
  accountShards,
  allPartition,
  isShortKey,
  keyOf,
  referencePartition,
  rowsPartition,
  shardOf,
  statusPartition,
  webhookPartition,
} from './places.ts'
import type { Shards } from './places.ts'

export type Item = Readonly<Record<string, AttributeValue>>

/**
 * v version · c commit id · j value · d due time (payment) · n last event · m delivered through · w, t
 * entry in the work index · a, l, r entries in the lists · x expiry · lf, sp, li, mv, cl budget · ids
 * look-alikes · p payment (reference) · z order of commits · ag, ac, pr, ru about the payment (events).
 */
export interface Attributes {
  /** `null`: taken away. */
  readonly [name: string]: AttributeValue | null
}

export const text = (value: string): AttributeValue => ({ S: value })
export const whole = (value: number): AttributeValue => ({ N: String(value) })

export const numberOf = (item: Item | undefined, name: string): number | null => {
  const stored = item?.[name]?.N
  return stored === undefined ? null : Number(stored)
}

export const textOf = (item: Item | undefined, name: string): string | null =>
  item?.[name]?.S ?? null

/** So long a webhook that was taken up is kept, to know it when it comes again: processors repeat for days. */
const webhookKeptMs = 90 * 86_400_000

/** What a put stores besides version and commit id. */
export function attributesOf(put: Put, shards: Shards): Attributes {
  const value = { j: text(pack(put.value)) }
  switch (put.table) {
    case 'budget':
      return budgetAttributes(put.value)
    case 'look_alike':
      return lookAlikeAttributes(put.value)
    case 'reference':
      return { ...value, p: text(put.value.paymentId) }
    case 'payment':
      return {
        j: text(pack(put.value, put.key)),
        d: put.value.dueAtMs === null ? null : whole(put.value.dueAtMs),
      }
    case 'webhook':
      return { ...value, ...webhookEntry(put.key, put.value, shards) }
    case 'dead_letter':
    case 'alert':
    case 'reconciliation':
    case 'break':
      return { ...value, ...listed(put), a: text(statusPartition(put.table, put.value.status)) }
    case 'agent':
    case 'account':
    case 'audit':
      return { ...value, ...listed(put) }
    case 'details':
    case 'key':
    case 'token':
    case 'control':
    case 'breaker':
    case 'slot':
    case 'clock':
      return value
  }
}

function listed({ table, key }: RowKey): Attributes {
  assert(isShortKey(key), 'the key of a table that people look through is short')
  return { l: text(rowsPartition(table)) }
}

function budgetAttributes(value: Tables['budget']): Attributes {
  const { left, spent, limit, mandateVersion, closed, ...more } = value
  // A new field does not compile until it has an attribute.
  more satisfies Record<string, never>
  const numbers = { lf: whole(left), sp: whole(spent), li: whole(limit), mv: whole(mandateVersion) }
  return { ...numbers, cl: { BOOL: closed } }
}

function lookAlikeAttributes({ paymentIds, ...more }: Tables['look_alike']): Attributes {
  more satisfies Record<string, never>
  return { ids: { L: paymentIds.map(text) } }
}

// In the index until it is taken up; from then on it may expire.
function webhookEntry(
  key: string,
  { receivedAtMs, observedAtMs, matched }: Tables['webhook'],
  { workShards }: Shards,
): Attributes {
  const w = text(webhookPartition(shardOf(key, workShards)))
  if (observedAtMs === null) return { w, t: whole(receivedAtMs), x: null }
  // What matched nothing is for reconciliation to report, however late.
  const x = matched ? whole(Math.ceil((observedAtMs + webhookKeptMs) / 1000)) : null
  return { w: null, t: null, x }
}

/** A payment's entries in the lists; they never change, so only its claim writes them. */
export function listEntries({ payment }: Tables['payment'], shards: Shards): Attributes {
  const { id, account, reference } = payment
  return {
    a: text(accountPartition(account, shardOf(id, accountShards(shards)))),
    l: text(allPartition(shardOf(id, shards.listShards))),
    r: text(referencePartition(normalise(reference))),
  }
}

/** What a row that is gone takes along; the head of a payment remembers its events. */
export const rowAttributes = ['v', 'c', 'j', 'd', 'a', 'l', 'r'] as const

// ── Back ─────────────────────────────────────────────────────────────────────────────────────────

export const versionOf = (item: Item | undefined): number | null => numberOf(item, 'v')

/** `null`: there is no such row, though there may be an item. */
export function rowOf<T extends TableName>(table: T, item: Item | undefined): Row<T> | null {
  const version = versionOf(item)
  if (item === undefined || version === null) return null
  // Each table's attributes were written by `attributesOf` from a value of that table.
  return { value: valueOf(table, item) as Tables[T], version }
}

function valueOf(table: TableName, item: Item): Tables[TableName] {
  if (table === 'budget') return budgetOf(item)
  if (table === 'look_alike') {
    return { paymentIds: (item['ids']?.L ?? []).map(({ S }) => S ?? '') }
  }
  const ownId = table === 'payment' ? keyOf(textOf(item, 'pk') ?? '') : ''
  return unpack<Tables[TableName]>(textOf(item, 'j') ?? 'null', ownId)
}

function budgetOf(item: Item): Tables['budget'] {
  return {
    left: numberOf(item, 'lf') ?? 0,
    spent: numberOf(item, 'sp') ?? 0,
    limit: numberOf(item, 'li') ?? 0,
    mandateVersion: numberOf(item, 'mv') ?? 0,
    closed: item['cl']?.BOOL === true,
  }
}
