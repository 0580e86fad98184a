// Slots in a processor's rate limit: each call has one of its own, taken before it is made and kept
// in the store, so that neither a restart nor a twin gives it out twice. Whoever asks at once shares
// one write. No agent holds more than its share of the horizon while others ask.
import { randomInt } from 'node:crypto'

import { reserveSlot, slotHorizonMs } from '../core/rate.ts'
import type { RateLimit } from '../core/rate.ts'
import type { Action, CommitResult, Row } from '../ports.ts'
import type { Engine } from './engine.ts'

export type Reserved =
  | { readonly slot: 'given'; readonly atMs: number }
  /** None is free within the horizon, or this agent has its share of it. */
  | { readonly slot: 'full'; readonly askAgainAtMs: number }

export interface Slots {
  readonly reserve: (engine: Engine, key: string, wanted: Wanted) => Promise<Reserved>
}

export interface Wanted {
  readonly agent: string
  readonly limit: RateLimit
  /** A slot that is farther ahead is of no use, and not taken. */
  readonly longestMs: number
}

interface Asking extends Wanted {
  readonly answer: (reserved: Reserved) => void
}

/** One processor's line in this process. */
interface Line {
  asking: Asking[]
  isWriting: boolean
  /** Slots that were given and have not come yet, by agent, oldest first. */
  readonly held: Map<string, number[]>
  /** Who was told to ask again, and when: they will, and their share is kept for them. */
  readonly turnedAway: Map<string, number>
  /** When somebody was turned away lately; so many are in front of the next one. */
  refusals: number[]
}

/** Whoever is turned away asks again within this, however many stand in front. */
const longestAskMs = 30_000

/** So long is waited where the store did not take a reservation. */
const storePauseMs = 250

/** In how many rows a limit is kept; more than its burst are not made, each row has one call of it. */
export type RowsOf = (limit: RateLimit) => number

const oneRow: RowsOf = () => 1

/**
 * Where each who asks is a process of its own, rivals for one row cancel each other: beyond about so many
 * slots a second (`node scripts/slots.ts`) the limit is kept in several.
 */
const slotsOfRow = 20

export const rowsForRivals: RowsOf = ({ perSecond }) => Math.ceil(perSecond / slotsOfRow)

/** `rowsOf`: the same in all processes that share a limit. */
export function createSlots(rowsOf: RowsOf = oneRow): Slots {
  const lines = new Map<string, Line>()

  const lineOf = (key: string): Line => {
    const known = lines.get(key)
    if (known !== undefined) return known
    const made: Line = {
      asking: [],
      isWriting: false,
      held: new Map(),
      turnedAway: new Map(),
      refusals: [],
    }
    lines.set(key, made)
    return made
  }

  const serve = async (engine: Engine, key: string, line: Line): Promise<void> => {
    line.isWriting = true
    while (line.asking.length > 0) {
      const asking = inTurn(line.asking)
      line.asking = []
      // A reservation that cannot be stored is no reservation: everybody asks again.
      const given = await reserveInTurn(engine, key, line, asking)
      const pause = { slot: 'full', askAgainAtMs: engine.clock.nowMs() + storePauseMs } as const
      for (const [index, { answer }] of asking.entries()) answer(given?.[index] ?? pause)
    }
    line.isWriting = false
  }

  return Object.freeze({
    reserve(engine: Engine, key: string, wanted: Wanted): Promise<Reserved> {
      const part = partOf(key, wanted.limit, rowsOf(wanted.limit))
      const line = lineOf(part.key)
      return new Promise((answer) => {
        line.asking.push({ ...wanted, limit: part.limit, answer })
        if (!line.isWriting) void serve(engine, part.key, line)
      })
    },
  })
}

/**
 * One of the rows that share the limit, by lot, with its part: together the parts are never more than the
 * whole, in burst and in pace.
 */
function partOf(
  key: string,
  limit: RateLimit,
  wantedRows: number,
): { readonly key: string; readonly limit: RateLimit } {
  const rows = Math.min(wantedRows, Math.floor(limit.burst))
  if (rows <= 1) return { key, limit }
  const { perSecond, burst, easedPerSecond } = limit
  const part = { perSecond: perSecond / rows, burst: Math.floor(burst / rows) }
  return {
    key: `${key}#${randomInt(rows)}`,
    limit: easedPerSecond === undefined ? part : { ...part, easedPerSecond: easedPerSecond / rows },
  }
}

/** One of each agent, then the next of each: who asked a hundred times is no earlier than who asked once. */
function inTurn(asking: readonly Asking[]): readonly Asking[] {
  const seen = new Map<string, number>()
  return asking
    .map((each) => {
      const turn = seen.get(each.agent) ?? 0
      seen.set(each.agent, turn + 1)
      return { each, turn }
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ each }) => each)
}

/** A twin took a slot at the same moment: the next ones are as good. */
const maxConflicts = 5

async function reserveInTurn(
  engine: Engine,
  key: string,
  line: Line,
  asking: readonly Asking[],
): Promise<readonly Reserved[] | null> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const given = await reserveAll(engine, key, line, asking).catch(() => null)
    if (given !== 'conflict') return given
  }
  return null
}

async function reserveAll(
  engine: Engine,
  key: string,
  line: Line,
  asking: readonly Asking[],
): Promise<readonly Reserved[] | 'conflict' | null> {
  const [row] = await engine.store.read([{ table: 'slot', key }])
  const nowMs = engine.clock.nowMs()
  forgetPast(line, nowMs)
  const held = new Map([...line.held].map(([agent, slots]) => [agent, [...slots]]))
  const asks = asking.map(({ agent }) => agent)
  const agents = new Set([...held.keys(), ...line.turnedAway.keys(), ...asks])
  let tatMs = row?.value.tatMs ?? null
  const given = asking.map(({ agent, limit, longestMs }): Reserved => {
    const own = held.get(agent) ?? []
    const [oldestMs] = own
    if (oldestMs !== undefined && own.length >= shareOf(limit, agents.size)) {
      return { slot: 'full', askAgainAtMs: Math.max(oldestMs, nowMs + 1000 / limit.perSecond) }
    }
    const reserved = reserveSlot(tatMs, nowMs, limit)
    if (reserved.slot === 'full') return reserved
    if (reserved.atMs - nowMs > longestMs) return { slot: 'full', askAgainAtMs: reserved.atMs }
    tatMs = reserved.tatMs
    held.set(agent, [...own, reserved.atMs])
    return { slot: 'given', atMs: reserved.atMs }
  })
  if (tatMs !== null && tatMs !== row?.value.tatMs) {
    const stored = await storeTat(engine, key, row, tatMs)
    if (stored === 'conflict') return 'conflict'
    if (stored === 'unknown') return null
    line.held.clear()
    for (const [agent, slots] of held) line.held.set(agent, slots)
  }
  return given.map((reserved, index) => noteAnswer(line, asking[index], reserved, nowMs))
}

async function storeTat(
  engine: Engine,
  key: string,
  row: Row<'slot'> | null,
  tatMs: number,
): Promise<CommitResult['result']> {
  const condition = row === null ? ({ absent: true } as const) : { version: row.version }
  const put: Action = { do: 'put', table: 'slot', key, value: { tatMs }, if: condition }
  const commitId = engine.ids.next('cmt', engine.clock.nowMs())
  const { result } = await engine.store.commit({ commitId, actions: [put] })
  return result
}

/** Remembers who was turned away, and tells them to come at their place in the queue. */
function noteAnswer(
  line: Line,
  asking: Asking | undefined,
  reserved: Reserved,
  nowMs: number,
): Reserved {
  if (asking === undefined) return reserved
  const { agent, limit } = asking
  if (reserved.slot === 'given') {
    line.turnedAway.delete(agent)
    return reserved
  }
  line.refusals = line.refusals.filter((atMs) => Math.abs(nowMs - atMs) <= slotHorizonMs)
  line.turnedAway.set(agent, nowMs)
  line.refusals.push(nowMs)
  // At its place in the queue, not at the next slot: a backlog must not ask for ever.
  const placeMs = (line.refusals.length * 1000) / limit.perSecond
  const atMs = Math.max(reserved.askAgainAtMs, nowMs + Math.min(longestAskMs, placeMs))
  const askAgainAtMs = Math.ceil(atMs)
  return { slot: 'full', askAgainAtMs }
}

function forgetPast({ held, turnedAway }: Line, nowMs: number): void {
  for (const [agent, atMs] of turnedAway) {
    if (Math.abs(nowMs - atMs) > slotHorizonMs) turnedAway.delete(agent)
  }
  for (const [agent, slots] of held) {
    const still = slots.filter((atMs) => atMs > nowMs)
    if (still.length === 0) held.delete(agent)
    else held.set(agent, still)
  }
}

/** Of all slots within the horizon, for each of so many agents; one at least. */
function shareOf({ perSecond, burst }: RateLimit, agents: number): number {
  return Math.max(1, Math.floor((burst + (perSecond * slotHorizonMs) / 1000) / agents))
}
