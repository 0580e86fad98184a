// From a plan to a write. What depends on the moment (a version, an amount left, the next event) is
// asked of the model when its turn comes; a guess says how far off the answer is used.
import type { Action, Condition, Put, RowKey, Store, Write } from '../../ports.ts'
import { event } from './builders.ts'

/** A write whose conditions are not yet worked out. */
export type Plan = readonly Intent[]

export type Intent =
  | { readonly do: 'put'; readonly row: Put; readonly guess: Guess }
  | { readonly do: 'delete' | 'check'; readonly row: RowKey; readonly guess: Guess }
  | { readonly do: 'add'; readonly key: string; readonly by: number; readonly guess: Guess }
  | { readonly do: 'append'; readonly key: string; readonly paymentId: string }
  | {
      readonly do: 'record'
      readonly paymentId: string
      /** 1: the next events; 0: the last one once more. */
      readonly ahead: number
      readonly count: number
    }

/** A condition on what the row shows: right where `off` is 0. */
export interface Guess {
  readonly by: 'nothing' | 'version' | 'value'
  readonly off: number
}

export async function writeOf(commitId: string, plan: Plan, model: Store): Promise<Write> {
  const actions: Action[] = []
  for (const each of plan) actions.push(await actionOf(each, model))
  return { commitId, actions }
}

async function actionOf(each: Intent, model: Store): Promise<Action> {
  switch (each.do) {
    case 'put':
      return { ...each.row, if: await conditionOf(each.guess, each.row, model) }
    case 'delete':
    case 'check': {
      const target = { ...each.row, if: await conditionOf(each.guess, each.row, model) }
      return each.do === 'delete' ? { do: 'delete', ...target } : { do: 'check', ...target }
    }
    case 'add': {
      const row = { table: 'budget', key: each.key } as const
      const condition = await conditionOf(each.guess, row, model)
      return { do: 'add', ...row, left: each.by, spent: -each.by, if: condition }
    }
    case 'append': {
      const { key, paymentId } = each
      return { do: 'append', table: 'look_alike', key, paymentId, if: null }
    }
    case 'record': {
      const { paymentId, count } = each
      const known = (await model.events(paymentId, 0, 1_000)).length
      const start = Math.max(1, known + each.ahead)
      const events = Array.from({ length: count }, (_, index) => event(paymentId, start + index))
      return { do: 'record', paymentId, events }
    }
  }
}

async function conditionOf(
  { by, off }: Guess,
  { table, key }: RowKey,
  model: Store,
): Promise<Condition> {
  if (by === 'nothing') return null
  const [row] = await model.read([{ table, key }])
  if (row === null) return off === 0 ? { absent: true } : { version: 1 }
  if (by === 'value' && 'left' in row.value) {
    const { left, mandateVersion } = row.value
    // Off below: the amount would do, but the mandate is another.
    return { leftAtLeast: left + off, mandateVersion: mandateVersion + Math.min(0, off) }
  }
  if (by === 'value' && table === 'reference' && 'paymentId' in row.value) {
    return { paymentIs: off === 0 ? (row.value.paymentId ?? '') : 'pay_9' }
  }
  // Off below on a first version, too: a put that thinks there is nothing yet.
  return off < 0 ? { absent: true } : { version: row.version + off }
}
