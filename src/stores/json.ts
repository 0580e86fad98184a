// The one place where text that a store kept becomes a typed value again. Nothing is checked here:
// only this program writes these rows, and `format` on payments and events tells of newer ones.
import type { RowKey, Row, TableName, Tables } from '../ports.ts'

/** What `read` answers for a list of keys: a row of the key's table in each place. */
export type RowsOf<K extends readonly RowKey[]> = {
  -readonly [I in keyof K]: Row<K[I]['table']> | null
}

export function decode<T>(json: string): T {
  // The type is that of the value which was encoded under the same table.
  return JSON.parse(json) as T
}

export function decodeRow<T extends TableName>(
  _table: T,
  stored: { readonly version: number; readonly value: string },
): Row<T> {
  return { value: decode<Tables[T]>(stored.value), version: stored.version }
}
