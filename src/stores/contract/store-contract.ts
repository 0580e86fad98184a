// One suite for every store: each promise of the port as a sentence, then random histories in which
// the store must never differ from the memory store.
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { CommitResult, Store, Write } from '../../ports.ts'
import { commitPromises } from './commit-promises.ts'
import { conditionPromises } from './condition-promises.ts'
import { readPromises } from './read-promises.ts'
import { neverDiffersFromTheModel } from './sequences.ts'

/** A store to be judged, and what can be done to it. */
export interface Fixture {
  readonly store: Store
  /** Closes the store and opens what it left. Missing where nothing outlives a process. */
  readonly reopen?: () => Promise<Fixture>
  /** Commits the writes all at once, dies at a moment of that, and opens what is left. */
  readonly crash?: Interruption
  /** The same with a disk that fails once, and a store that lives on. */
  readonly disturb?: Interruption
  /** Removes what the store left behind. */
  readonly dispose?: () => Promise<void>
}

/** `answers`: what each caller had been told by then; `null`: nothing. */
export type Interruption = (
  writes: readonly Write[],
  moment: number,
) => Promise<{ readonly fixture: Fixture; readonly answers: readonly (CommitResult | null)[] }>

export type Open = () => Promise<Fixture>

/** Sentences that a store keeps, each with its proof on a fresh store. */
export type Promises = Readonly<
  Record<string, (fixture: Fixture, context: TestContext) => Promise<void>>
>

export interface ContractOptions {
  /** Random histories; a proof before a release takes more, a variant of a store may take none. */
  readonly sequences: number
  /**
   * Opens a store for them that judges in the order asked and shows all events in the order committed.
   * Missing where every store of this kind does; the port promises neither.
   */
  readonly inTurn?: Open
}

export function storeContract(
  name: string,
  open: Open,
  { sequences, inTurn = open }: ContractOptions,
): void {
  const promises = { ...commitPromises, ...conditionPromises, ...readPromises }
  for (const [sentence, prove] of Object.entries(promises)) {
    test(`${name}: ${sentence}`, async (context) => {
      const fixture = await open()
      try {
        await prove(fixture, context)
      } finally {
        await fixture.store.close()
        await fixture.dispose?.()
      }
    })
  }
  if (sequences === 0) return
  test(`${name}: in ${sequences} random histories it never differs from the model`, () =>
    neverDiffersFromTheModel(inTurn, sequences))
}
