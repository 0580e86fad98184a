// What stands in the way of a payment (switches, breakers, suspended agents) is read before each step and
// once more before each call, so it is most of what the table is asked for. Rows of one moment cost twice
// as much as rows that are each as they are now, and here the moment is worth nothing: each row stops the
// payment by itself, nothing is concluded from two of them together, and what is written afterwards is
// written on condition of its own row's version.
import type { RowKey, Store, TableName } from '../ports.ts'

const apart: ReadonlySet<TableName> = new Set(['account', 'agent', 'breaker', 'control'] as const)

const isGate = ({ table }: RowKey): boolean => apart.has(table)

/** A question for gates only is asked row by row, each consistent; any other one as it is. */
export function readGatesApart(store: Store): Store {
  const read: Store['read'] = async (keys) => {
    if (keys.length < 2 || !keys.every(isGate)) return store.read(keys)
    const rows = await Promise.all(keys.map(async (key) => (await store.read([key]))[0]))
    // `map` forgets that each place keeps its own table.
    return rows as Awaited<ReturnType<typeof store.read<typeof keys>>>
  }
  return Object.freeze<Store>({ ...store, read })
}
