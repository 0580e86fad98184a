// Expressions are put together from parts, each with its own values, so that no part knows the others.
import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb'

import type { Clause } from './conditions.ts'
import { text } from './items.ts'
import type { Attributes } from './items.ts'
import type { Place } from './places.ts'

export const keyOfPlace = ({ pk, sk }: Place) => ({ pk: text(pk), sk: text(sk) })

/** What one action does to one item; which request it becomes is decided when it is sent. */
export type ItemAction = TransactWriteItem

export interface Change {
  /** Set, or taken away where they are `null`. */
  readonly attributes: Attributes
  /** `SET` parts that compute: name to expression. */
  readonly computed?: Readonly<Record<string, string>>
  readonly values?: Readonly<Record<string, AttributeValue>>
}

export function update(
  table: string,
  place: Place,
  { attributes, computed = {}, values = {} }: Change,
  clauses: readonly Clause[],
): ItemAction {
  const entries = Object.entries(attributes)
  const set = entries.filter(([, value]) => value !== null)
  const gone = entries.filter(([, value]) => value === null).map(([name]) => name)
  const sets = [
    ...set.map(([name]) => `${name} = :${name}`),
    ...Object.entries(computed).map(([name, expression]) => `${name} = ${expression}`),
  ]
  const parts = [
    sets.length === 0 ? '' : `SET ${sets.join(', ')}`,
    gone.length === 0 ? '' : `REMOVE ${gone.join(', ')}`,
  ]
  const given = Object.fromEntries(
    set.flatMap(([name, value]) => (value === null ? [] : [[`:${name}`, value]])),
  )
  const conditioned = condition(clauses)
  const all = { ...given, ...values, ...conditioned.ExpressionAttributeValues }
  return {
    Update: {
      TableName: table,
      Key: keyOfPlace(place),
      ...conditioned,
      UpdateExpression: parts.filter((part) => part !== '').join(' '),
      ...(Object.keys(all).length === 0 ? {} : { ExpressionAttributeValues: all }),
    },
  }
}

export const remove = (table: string, place: Place, clauses: readonly Clause[]): ItemAction => ({
  Delete: { TableName: table, Key: keyOfPlace(place), ...condition(clauses) },
})

export function check(table: string, place: Place, clauses: readonly Clause[]): ItemAction {
  const { ConditionExpression = '', ...more } = condition(clauses)
  return {
    ConditionCheck: { TableName: table, Key: keyOfPlace(place), ConditionExpression, ...more },
  }
}

export const insert = (table: string, place: Place, attributes: Attributes): ItemAction => ({
  Put: {
    TableName: table,
    Item: {
      ...keyOfPlace(place),
      ...Object.fromEntries(
        Object.entries(attributes).flatMap(([name, value]) =>
          value === null ? [] : [[name, value]],
        ),
      ),
    },
    ...condition([{ expression: 'attribute_not_exists(pk)' }]),
  },
})

interface Conditioned {
  readonly ConditionExpression?: string
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>
  /** A failed condition shows the item, and whose it is. */
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD'
}

function condition(clauses: readonly Clause[]): Conditioned {
  if (clauses.length === 0) return {}
  const values = Object.fromEntries(
    clauses.flatMap((clause) => Object.entries(clause.values ?? {})),
  )
  return {
    ConditionExpression: clauses.map(({ expression }) => expression).join(' AND '),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  }
}
