// One action on one item, as all who plan a write speak of it.
import type { Action, CommitResult } from '../../ports.ts'
import type { ItemAction } from './expressions.ts'
import type { Item } from './items.ts'
import type { Shards } from './places.ts'

export type ConflictRow = Extract<CommitResult, { result: 'conflict' }>['rows'][number]

/** What the failed condition of a step means, told from the item as it was. */
export interface Judgement {
  /** This very write is in the table already. */
  readonly isOurs: boolean
  /** The rows whose condition, as the caller gave it, does not hold. */
  readonly rows: readonly { readonly at: number; readonly row: ConflictRow }[]
  /** One of them can never hold again. */
  readonly isForGood: boolean
  /** Something that we assumed beyond the caller's conditions: plan again, knowing better. */
  readonly isStale: boolean
}

export interface Step {
  readonly action: ItemAction
  /**
   * Alone, it may be a plain request at half the price: its condition stops a repetition as long as
   * nobody deletes the row and makes it anew, and whoever claims a row does not delete it.
   */
  readonly isPlain: boolean
  /** The entry in the work index that it makes or moves; `null`: it leaves it alone. */
  readonly entry: { readonly paymentId: string; readonly atMs: number } | null
  readonly judge: (before: Item | undefined) => Judgement
}

export interface Setting extends Shards {
  readonly table: string
  readonly nowMs: number
  /** 0 to below 1. */
  readonly random: () => number
  readonly copies: number
  /** When the payment's entry in the work index is, as it was last seen; `null`: not known. */
  readonly entryOf: (paymentId: string) => number | null
  /** Where budgets are in several shards: as they were just read. */
  readonly budgets: BudgetShards
}

export type Of<D extends Action['do']> = Extract<Action, { readonly do: D }>
export type RowAction = Exclude<Action, { do: 'record' }>

/** An action with its place in the write: conflicts are told in that order. */
export interface Placed<A extends Action = Action> {
  readonly at: number
  readonly action: A
}

/** Budgets whose counters are spread over several items. */
export interface BudgetShards {
  /** 1: they are not, and nothing has to be read before a write. */
  readonly shards: number
  readonly seen: ReadonlyMap<string, readonly (Item | undefined)[]>
}
