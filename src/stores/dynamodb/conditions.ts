// The port's conditions twice: as an expression that the table judges, and as the same judgement on an
// item that the table gave back, to say which of several conditions of one item had failed.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

import type { Condition } from '../../ports.ts'
import { numberOf, text, textOf, versionOf, whole } from './items.ts'
import type { Item } from './items.ts'
import type { RowAction } from './step.ts'

/** A part of a condition expression. */
export interface Clause {
  readonly expression: string
  readonly values?: Readonly<Record<string, AttributeValue>>
}

export const exists: Clause = { expression: 'attribute_exists(v)' }
const isMissing: Clause = { expression: 'attribute_not_exists(v)' }

export const isAbsent = (condition: Condition): boolean =>
  condition !== null && 'absent' in condition

/** See `Step`. */
export const isPlain = ({ do: does, if: condition }: Pick<RowAction, 'do' | 'if'>): boolean =>
  does === 'put' && condition !== null && ('absent' in condition || 'version' in condition)

export function clausesOf(condition: Condition): readonly Clause[] {
  if (condition === null) return []
  if ('absent' in condition) return [isMissing]
  if ('version' in condition) {
    return [{ expression: 'v = :version', values: { ':version': whole(condition.version) } }]
  }
  if ('paymentIs' in condition) {
    return [{ expression: 'p = :payment', values: { ':payment': text(condition.paymentIs) } }]
  }
  return [
    {
      expression: 'lf >= :least AND mv = :mandate AND cl = :open',
      values: {
        ':least': whole(condition.leftAtLeast),
        ':mandate': whole(condition.mandateVersion),
        ':open': { BOOL: false },
      },
    },
  ]
}

/**
 * Without it a repeated write would act twice. An item that shows our own id says that the whole write
 * was committed before.
 */
export const notByUs = (commitId: string): Clause => ({
  expression: '(attribute_not_exists(c) OR c <> :commit)',
  values: { ':commit': text(commitId) },
})

export function holds(condition: Condition, item: Item | undefined): boolean {
  if (condition === null) return true
  const version = versionOf(item)
  if ('absent' in condition) return version === null
  if (item === undefined || version === null) return false
  if ('version' in condition) return version === condition.version
  if ('paymentIs' in condition) return textOf(item, 'p') === condition.paymentIs
  const isOpen = item['cl']?.BOOL !== true && numberOf(item, 'mv') === condition.mandateVersion
  return isOpen && (numberOf(item, 'lf') ?? 0) >= condition.leftAtLeast
}

/**
 * Can a condition that failed never hold again, whatever is written next? Versions only grow, and rows
 * that are claimed are not deleted; amounts and names come back.
 */
export function failedForGood(condition: Condition, item: Item | undefined): boolean {
  const version = versionOf(item)
  if (condition === null || version === null) return false
  if ('absent' in condition) return true
  return 'version' in condition && version > condition.version
}
