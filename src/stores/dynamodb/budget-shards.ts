// A budget whose counter is a hot key, in several shards: their sum is the row. A claim takes from one
// shard where that has enough, else it borrows from others in the same transaction, so that it is
// refused only when the sum is too small.
//
// The shards are read before the write, and what was seen of them goes into its conditions. Where they
// have changed meanwhile, the write is planned again.
import { clausesOf, failedForGood, holds, isAbsent, notByUs } from './conditions.ts'
import type { Clause } from './conditions.ts'
import { check, remove, update } from './expressions.ts'
import type { ItemAction } from './expressions.ts'
import { attributesOf, numberOf, text, textOf, versionOf, whole } from './items.ts'
import type { Item } from './items.ts'
import { placeOf, shardOf } from './places.ts'
import type { BudgetShards, Judgement, Placed, RowAction, Setting, Step } from './step.ts'

type Shards = readonly (Item | undefined)[]

/** The row that the shards are together; `undefined`: there is none. */
export function sumOf(shards: Shards): Item | undefined {
  const [first] = shards
  if (first === undefined || versionOf(first) === null) return undefined
  const sum = (name: string) =>
    whole(shards.reduce((all, shard) => all + (numberOf(shard, name) ?? 0), 0))
  return { ...first, v: sum('v'), lf: sum('lf'), sp: sum('sp') }
}

export function budgetSteps(
  placed: Placed<RowAction>,
  commitId: string,
  setting: Setting,
): readonly Step[] {
  const { at, action } = placed
  const seen = shardsOf(setting.budgets, action.key)
  const row = sumOf(seen)
  const ours = seen.findIndex((shard) => textOf(shard, 'c') === commitId)
  if (ours >= 0) return [step(placed, ours, setting, { look: [notByUs(commitId)] }, ownId)]
  const addsToNothing = action.do === 'add' && row === undefined
  if (!holds(action.if, row) || addsToNothing) {
    const rows = [{ at, row: { table: 'budget', key: action.key } as const }]
    const isForGood = failedForGood(action.if, row)
    const refusal = () => ({ isOurs: false, rows, isForGood, isStale: false })
    return [step(placed, 0, setting, { look: [never] }, refusal)]
  }
  if (action.do === 'add') return addSteps({ at, action }, commitId, setting, seen)
  return wholeSteps(placed, commitId, setting, seen)
}

const shardsOf = ({ shards, seen }: BudgetShards, key: string): Shards =>
  seen.get(key) ?? Array.from({ length: shards }, () => undefined)

/** It was judged already, on shards that were read at one moment. */
const never: Clause = { expression: 'attribute_exists(pk) AND attribute_not_exists(pk)' }

const ownId = (): Judgement => ({ isOurs: true, rows: [], isForGood: true, isStale: false })

/** Another commit came between the reading and the writing; or an earlier try of ours. */
const changed =
  (commitId: string) =>
  (before: Item | undefined): Judgement => {
    const isOurs = textOf(before, 'c') === commitId
    return { isOurs, rows: [], isForGood: false, isStale: !isOurs }
  }

const asSeen = (shard: Item | undefined): Clause => {
  const seen = textOf(shard, 'c')
  return seen === null
    ? { expression: 'attribute_not_exists(v)' }
    : { expression: 'c = :seen', values: { ':seen': text(seen) } }
}

interface Does {
  readonly look?: readonly Clause[]
  readonly make?: (table: string, place: ReturnType<typeof placeOf>) => ItemAction
}

function step(
  { action }: Placed<RowAction>,
  shard: number,
  { table }: Setting,
  { look = [], make }: Does,
  judge: Step['judge'],
): Step {
  const place = placeOf(action, shard)
  return {
    judge,
    isPlain: false,
    entry: null,
    action: make?.(table, place) ?? check(table, place, look),
  }
}

// ── All shards at once ───────────────────────────────────────────────────────────────────────────

/** Puts, deletes and looks speak of the whole row: each shard has to be as it was read. */
function wholeSteps(
  placed: Placed<RowAction>,
  commitId: string,
  setting: Setting,
  seen: Shards,
): readonly Step[] {
  const { action } = placed
  if (action.do === 'check' && action.if === null) return []
  const looks = action.do === 'check' || isAbsent(action.if)
  if (looks && action.do !== 'put') {
    return seen.map((shard, index) =>
      step(placed, index, setting, { look: [asSeen(shard)] }, changed(commitId)),
    )
  }
  return seen.map((shard, index) => {
    const clauses = [asSeen(shard)]
    const make: Does['make'] = (table, place) =>
      action.do === 'put'
        ? update(table, place, shareOf(action, index, commitId, setting), clauses)
        : remove(table, place, clauses)
    return step(placed, index, setting, { make }, changed(commitId))
  })
}

function shareOf(
  action: Extract<RowAction, { do: 'put' }>,
  index: number,
  commitId: string,
  setting: Setting,
) {
  if (action.table !== 'budget') throw new Error('only budgets are kept in shards')
  const { left, spent } = action.value
  const { shards } = setting.budgets
  const attributes = attributesOf(action, setting)
  const even = Math.trunc(left / shards)
  const lf = whole(index === 0 ? left - even * (shards - 1) : even)
  return {
    attributes: { ...attributes, lf, sp: whole(index === 0 ? spent : 0), c: text(commitId) },
    // The versions of the shards add up to that of the row, so only one of them counts this action.
    computed: { v: 'if_not_exists(v, :zero) + :count' },
    values: { ':zero': whole(0), ':count': whole(index === 0 ? 1 : 0) },
  }
}

// ── Adding ───────────────────────────────────────────────────────────────────────────────────────

/** What is taken from one shard, and what has to be there. */
interface Part {
  readonly shard: number
  readonly left: number
  readonly atLeast: number | null
}

function addSteps(
  placed: Placed<Extract<RowAction, { do: 'add' }>>,
  commitId: string,
  setting: Setting,
  seen: Shards,
): readonly Step[] {
  const { action } = placed
  // Always the same for one write: so its repetition meets the shard that carries its id.
  const home = shardOf(commitId, seen.length)
  if (action.if === null || !('leftAtLeast' in action.if)) {
    // A version speaks of the whole row.
    const versioned = action.if !== null
    const others = versioned
      ? seen.flatMap((shard, index) =>
          index === home
            ? []
            : [step(placed, index, setting, { look: [asSeen(shard)] }, changed(commitId))],
        )
      : []
    const clauses = versioned ? [asSeen(seen[home])] : [{ expression: 'attribute_exists(v)' }]
    const part = { shard: home, left: action.left, atLeast: null }
    return [addStep(placed, part, true, clauses, commitId, setting), ...others]
  }
  const { mandateVersion } = action.if
  const parts = partsOf(seen, home, action.if.leftAtLeast, action.left)
  const used = new Set(parts.map(({ shard }) => shard))
  // A shard below zero takes from the sum: it must not sink further.
  const debts = seen.flatMap((shard, index) => {
    const isDebt = !used.has(index) && (numberOf(shard, 'lf') ?? 0) < 0
    return isDebt
      ? [step(placed, index, setting, { look: [asSeen(shard)] }, changed(commitId))]
      : []
  })
  const takes = parts.map((part, index) => {
    const clauses = clausesOf({ leftAtLeast: part.atLeast ?? 0, mandateVersion })
    return addStep(placed, part, index === 0, clauses, commitId, setting)
  })
  return [...takes, ...debts]
}

function addStep(
  placed: Placed<Extract<RowAction, { do: 'add' }>>,
  { shard, left }: Part,
  isFirst: boolean,
  clauses: readonly Clause[],
  commitId: string,
  setting: Setting,
): Step {
  const make: Does['make'] = (table, place) =>
    update(
      table,
      place,
      {
        attributes: { c: text(commitId) },
        computed: { lf: 'lf + :left', sp: 'sp + :spent', v: 'v + :count' },
        values: {
          ':left': whole(left),
          ':spent': whole(isFirst ? placed.action.spent : 0),
          ':count': whole(isFirst ? 1 : 0),
        },
      },
      [...clauses, notByUs(commitId)],
    )
  return step(placed, shard, setting, { make }, changed(commitId))
}

/** From the shard that is at home if it has enough, else from as many as it takes, fullest first. */
function partsOf(seen: Shards, home: number, least: number, left: number): readonly Part[] {
  const amounts = seen.map((shard, shardIndex) => ({
    shard: shardIndex,
    amount: numberOf(shard, 'lf') ?? 0,
  }))
  const debt = amounts.reduce((all, { amount }) => all + Math.min(0, amount), 0)
  // Debts of other shards have to be covered as well.
  let missing = least - debt
  const fullest = amounts.toSorted((a, b) => b.amount - a.amount)
  const enough = amounts.filter(({ amount }) => amount >= missing)
  const one = enough.find(({ shard }) => shard === home) ?? enough[home % enough.length]
  const lenders = one === undefined ? fullest.filter(({ amount }) => amount > 0) : [one]
  const parts: Part[] = []
  let toTake = -left
  for (const { shard, amount } of lenders) {
    if (parts.length > 0 && missing <= 0) break
    const atLeast = Math.min(amount, missing)
    const taken = toTake > 0 ? Math.min(toTake, Math.max(0, atLeast)) : toTake
    parts.push({ shard, left: -taken, atLeast })
    missing -= atLeast
    toTake -= taken
  }
  // More is taken than has to be there: from the first, below zero if need be.
  const [first, ...rest] = parts
  return first === undefined ? [] : [{ ...first, left: first.left - toTake }, ...rest]
}
