// Whether this store may be worked on. `checking`: the processor has not been heard yet. `read_only`:
// it knows more than we do, until an operator has rebuilt what is missing and says so; that is stored,
// so that no restart forgets it. `open`: both are of one mind, and everything may begin.
import { restoreKey } from '../core/control.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Processor, Row } from '../ports.ts'
import { recordAct } from './audit.ts'
import type { Act } from './control.ts'
import type { Engine } from './engine.ts'
import { planned, recover } from './recover.ts'
import type { Recovered, Recovering } from './recover.ts'
import { checkRestore, lookForUnknown, newSinceMs } from './restore-check.ts'
import type { Sight } from './restore-check.ts'
import { endSuperseded } from './supersede.ts'

export interface RestoreState {
  readonly status: 'checking' | 'read_only' | 'open'
  /** For people. */
  readonly why: string
  /** Objects at the processor that the store does not know, as far as they were counted. */
  readonly unknown: number
  /** From when on the processor's objects are compared; `null`: not known yet. */
  readonly sinceMs: number | null
}

export interface Sighted {
  readonly sight: Sight
  readonly outcome: Recovered
}

export type RecoveryPage =
  | {
      readonly result: 'page'
      readonly rows: readonly Sighted[]
      readonly unreadable: number
      /** `null`: that was all. */
      readonly cursor: string | null
    }
  | { readonly result: 'no_answer'; readonly cause: string }

/** A cause of `no_answer` that is ours. */
export const storeAway = 'store_unavailable'

export interface RestoreGate {
  readonly state: () => RestoreState
  /** Looks once. True: there is nothing more to be found out. Rejects where the store is away. */
  readonly check: (isStopping?: () => boolean) => Promise<boolean>
  /** What a pass over the processor's objects would do, or does. */
  readonly look: (account: string | null, cursor: string | null) => Promise<RecoveryPage>
  readonly rebuild: (how: Recovering, cursor: string | null) => Promise<RecoveryPage>
  /** `leave`: so many objects cannot be rebuilt, and somebody has looked at each. */
  readonly confirm: (act: Act, leave: number) => Promise<Rejection | null>
  /** Called once, when it is open. */
  readonly onOpen: (begin: () => void) => void
}

/** Objects that were made before the store's last word may have moved on after it. */
const lookBackMs = 7 * 86_400_000

/** An act of a person is not held up for longer. */
const longestArrivalMs = 30_000

const processorAway = (cause: string): Rejection =>
  reject('processor_unreachable', `Its records cannot be read now (${cause}).`)

/** `madeAtMs`: nothing of this installation is older. */
export function createRestoreGate(engine: Engine, madeAtMs: number): RestoreGate {
  let state: RestoreState = {
    status: 'checking',
    why: 'The processor has not been asked yet whether it knows more than this store.',
    unknown: 0,
    sinceMs: null,
  }
  const waiting: (() => void)[] = []
  const open = (): void => {
    state = { ...state, status: 'open', why: '', unknown: 0 }
    for (const begin of waiting.splice(0)) begin()
  }
  const close = (unknown: number, sinceMs: number): void => {
    const why =
      'The processor has payments of this installation that the store does not know: it was set back. ' +
      'Nothing is sent until `quittance recover` has rebuilt them and an operator has confirmed.'
    state = { status: 'read_only', why, unknown, sinceMs }
  }

  const check = async (isStopping?: () => boolean): Promise<boolean> => {
    if (state.status !== 'checking') return true
    const [row] = await engine.store.read([{ table: 'control', key: restoreKey }])
    if (row?.value.halted === true) {
      close(state.unknown, row.value.sinceMs ?? madeAtMs)
      return true
    }
    // What was left as it is by an operator is not asked about again.
    const sinceMs = Math.max(await newSinceMs(engine, madeAtMs), row?.value.sinceMs ?? 0)
    const checked = await checkRestore(engine, sinceMs, isStopping)
    // Somebody else has found it out meanwhile.
    if (state.status !== 'checking') return true
    switch (checked.result) {
      case 'clear':
        open()
        return true
      case 'no_answer':
        state = {
          ...state,
          why: `The processor has to be asked first whether it knows more than this store (${checked.cause}).`,
        }
        return false
      case 'unknown': {
        // A page of what it made just before belongs to it as well.
        const fromMs = Math.max(madeAtMs - lookBackMs, sinceMs - lookBackMs, 0)
        const kept = await keep(
          engine,
          row,
          { halted: true, sinceMs: fromMs },
          `${checked.count} unknown objects`,
        )
        const named = checked.first[0]?.record.object.objectId ?? ''
        if (kept !== 'stored') return false
        engine.log({ level: 'alarm', kind: 'store_set_back', payment_id: null, detail: named })
        close(checked.count, fromMs)
        return true
      }
    }
  }

  const pass = async (
    cursor: string | null,
    each: (sight: Sight) => Promise<Recovered | null>,
  ): Promise<RecoveryPage> => {
    const at = readCursor(engine, cursor)
    if (at === null || state.status !== 'read_only') {
      return { result: 'page', rows: [], unreadable: 0, cursor: null }
    }
    const page = await lookForUnknown(engine, at.processor, state.sinceMs ?? 0, at.cursor)
    if (page.result !== 'page') return page
    const rows: Sighted[] = []
    // One after the other: a bill's second payment leans on its first.
    for (const sight of page.sights) {
      const outcome = await each(sight)
      if (outcome === null) return { result: 'no_answer', cause: storeAway }
      rows.push({ sight, outcome })
    }
    const goesOn = page.cursor !== null && page.cursor !== at.cursor
    const next = goesOn ? writeCursor(at.place, page.cursor) : writeCursor(at.place + 1, null)
    const isOver = readCursor(engine, next) === null
    return { result: 'page', rows, unreadable: page.unreadable, cursor: isOver ? null : next }
  }

  const startedMs = engine.clock.steadyMs()
  const confirm = async ({ by, reason }: Act, leave: number): Promise<Rejection | null> => {
    if (state.status !== 'read_only') {
      return reject('not_recovering', `It is ${state.status}: there is nothing to confirm.`)
    }
    // What the service sent before it was stopped may arrive after all.
    const restMs = arrivalMs(engine) - (engine.clock.steadyMs() - startedMs)
    if (restMs > 0) await engine.clock.sleep(restMs)
    const checked = await checkRestore(engine, state.sinceMs ?? 0)
    if (checked.result === 'no_answer') return processorAway(checked.cause)
    const count = checked.result === 'clear' ? 0 : checked.count
    state = { ...state, unknown: count }
    if (count !== leave) {
      const how = `${count} objects are unknown, and ${leave} are said to be left as they are.`
      return reject('recovery_incomplete', `${how} Rebuild them, or look at each and say how many.`)
    }
    if (!(await endSuperseded(engine))) {
      return reject('retry_same_key', 'It was not stored; ask again.')
    }
    const [row] = await engine.store.read([{ table: 'control', key: restoreKey }])
    const kept = await keep(
      engine,
      row,
      { halted: false, by, sinceMs: leave > 0 ? engine.time.nowMs(0) : 0 },
      reason,
    )
    if (kept !== 'stored') return reject('retry_same_key', 'It was not stored; ask again.')
    open()
    return null
  }

  return Object.freeze<RestoreGate>({
    state: () => state,
    check,
    look: (account, cursor) => pass(cursor, (sight) => planned(engine, sight, account)),
    rebuild: (how, cursor) => pass(cursor, (sight) => recover(engine, sight, how)),
    confirm,
    onOpen(begin) {
      if (state.status === 'open') begin()
      else waiting.push(begin)
    },
  })
}

/** By then nothing arrives any more that was sent before this process began. */
function arrivalMs({ processors, policy }: Engine): number {
  const waits = [...processors.values()].map((processor) => {
    const can = processor.capabilities({ currency: 'EUR', paymentMethod: null })
    return can?.absenceAfterMs ?? 0
  })
  return policy.callTimeoutMs + Math.min(longestArrivalMs, Math.max(0, ...waits))
}

async function keep(
  engine: Engine,
  row: Row<'control'> | null,
  to: { readonly halted: boolean; readonly by?: string; readonly sinceMs: number },
  reason: string,
): Promise<'stored' | 'conflict' | 'unknown'> {
  const { halted, by = 'quittance', sinceMs } = to
  const value = { halted, by, reason, atMs: engine.time.nowMs(0), sinceMs }
  const condition = row === null ? ({ absent: true } as const) : { version: row.version }
  const act = halted ? 'recover' : 'recover_confirm'
  const stored = await recordAct(engine, { act, target: restoreKey, by, reason }, [
    { do: 'put', table: 'control', key: restoreKey, value, if: condition },
  ])
  return typeof stored === 'object' ? 'unknown' : stored
}

// ── Where a pass stands ──────────────────────────────────────────────────────────────────────────

/** One processor after the other, each with a cursor of its own. */
const writeCursor = (place: number, cursor: string | null): string =>
  `${place}:${encodeURIComponent(cursor ?? '')}`

function readCursor(
  engine: Engine,
  cursor: string | null,
): {
  readonly place: number
  readonly processor: Processor
  readonly cursor: string | null
} | null {
  const [, place = '0', rest = ''] = /^(\d{1,3}):(.*)$/.exec(cursor ?? '0:') ?? []
  const processor = [...engine.processors.values()][Number(place)]
  if (processor === undefined) return null
  return { place: Number(place), processor, cursor: rest === '' ? null : decodeURIComponent(rest) }
}
