// Random histories against two stores at once: the one under test and the memory store. After every
// deed both must have said the same and show the same.
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { CommitResult, Store, Write } from '../../ports.ts'
import { openMemoryStore } from '../memory.ts'
import { allKeys, history, paymentIds, publishers } from './histories.ts'
import type { Deed } from './histories.ts'
import { writeOf } from './plans.ts'
import type { Plan } from './plans.ts'
import type { Fixture, Open } from './store-contract.ts'

/** What the model has been through, to build it anew. */
type Past = readonly (Write | { readonly publisher: string; readonly limit: number })[]

interface World {
  fixture: Fixture
  model: Store
  past: Past
}

/** A failure prints the seed and the shortest history that fast-check finds. */
export async function neverDiffersFromTheModel(open: Open, sequences: number): Promise<void> {
  const property = fc.asyncProperty(history, async (deeds) => {
    const world: World = { fixture: await open(), model: openMemoryStore(), past: [] }
    try {
      for (const deed of deeds) {
        await happen(world, deed)
        expectSame(await shown(world.fixture.store), await shown(world.model))
      }
    } finally {
      await world.fixture.store.close()
      await world.fixture.dispose?.()
    }
  })
  await fc.assert(property, { numRuns: sequences })
}

async function happen(world: World, deed: Deed): Promise<void> {
  switch (deed.deed) {
    case 'commit':
      return commitAll(world, await writesOf(world, deed.plans))
    case 'repeat': {
      const writes = world.past.filter((each) => 'actions' in each)
      const again = writes[deed.index % Math.max(1, writes.length)]
      return again === undefined ? undefined : commitAll(world, [again])
    }
    case 'acknowledge':
      await takePage(world.fixture.store, deed)
      await takePage(world.model, deed)
      world.past = [...world.past, deed]
      return
    case 'reopen':
      world.fixture = (await world.fixture.reopen?.()) ?? world.fixture
      return
    case 'crash':
    case 'disturb':
      return interrupt(world, deed.deed, await writesOf(world, deed.plans), deed.moment)
  }
}

function writesOf({ model, past }: World, plans: readonly Plan[]): Promise<readonly Write[]> {
  const made = plans.map((plan, index) => writeOf(`cmt_${past.length}_${index}`, plan, model))
  return Promise.all(made)
}

// At once, and judged in the order in which they were asked.
async function commitAll(world: World, writes: readonly Write[]): Promise<void> {
  const results = await Promise.all(writes.map((write) => world.fixture.store.commit(write)))
  const expected: CommitResult[] = []
  for (const write of writes) expected.push(await world.model.commit(write))
  expectSame(results, expected)
  world.past = [...world.past, ...writes]
}

async function takePage(
  store: Store,
  { publisher, limit }: { readonly publisher: string; readonly limit: number },
): Promise<void> {
  const { receipt } = await store.unpublished(publisher, limit)
  await store.acknowledge(publisher, receipt)
}

// ── Interruptions ────────────────────────────────────────────────────────────────────────────────

async function interrupt(
  world: World,
  how: 'crash' | 'disturb',
  writes: readonly Write[],
  moment: number,
): Promise<void> {
  const interruption = world.fixture[how]
  if (interruption === undefined) return commitAll(world, writes)
  const { fixture, answers } = await interruption(writes, moment)
  world.fixture = fixture
  const after = JSON.stringify(await shown(fixture.store))
  const told = answers.map((answer) => answer !== null && answer.result !== 'unknown')
  // Each write that nobody was told of is there as a whole or not at all.
  for (const kept of choices(told)) {
    const model = openMemoryStore()
    for (const each of world.past) await relive(model, each)
    const results = await keepOnly(model, writes, kept)
    const truthful = results.every((result, index) => !told[index] || same(result, answers[index]))
    if (!truthful || JSON.stringify(await shown(model)) !== after) continue
    world.model = model
    world.past = [...world.past, ...writes.filter((_, index) => kept[index])]
    return
  }
  assert.fail(`no choice of whole writes explains what is left after a ${how}: ${after}`)
}

/** Every way to keep some of the writes, those that were answered always among them. */
function choices(told: readonly boolean[]): readonly (readonly boolean[])[] {
  return told.reduce<boolean[][]>(
    (before, sure) =>
      before.flatMap((each) =>
        sure
          ? [[...each, true]]
          : [
              [...each, false],
              [...each, true],
            ],
      ),
    [[]],
  )
}

async function keepOnly(
  model: Store,
  writes: readonly Write[],
  kept: readonly boolean[],
): Promise<readonly (CommitResult | null)[]> {
  const results: (CommitResult | null)[] = []
  for (const [index, write] of writes.entries()) {
    results.push(kept[index] === true ? await model.commit(write) : null)
  }
  return results
}

async function relive(model: Store, each: Past[number]): Promise<void> {
  if ('actions' in each) await model.commit(each)
  else await takePage(model, each)
}

// ── What a store shows ───────────────────────────────────────────────────────────────────────────

const lists = [
  { account: null, limit: 2 },
  { account: 'acct_1', limit: 3, state: 'captured' },
  { account: 'acct_2', limit: 1, cursor: 'pay_3' },
  { account: null, limit: 3, reference: 'inv-1', hold: 'dead_letter' },
] as const

async function shown(store: Store): Promise<unknown> {
  return Promise.all([
    store.read(allKeys),
    ...paymentIds.map((id) => store.events(id, 0, 100)),
    store.events('pay_1', 1, 2),
    store.due(3, 2),
    ...lists.map((query) => store.list(query)),
    ...publishers.map(async (name) => (await store.unpublished(name, 3)).events),
    store.unmatchedWebhooks(2),
    store.scan({ table: 'dead_letter', status: 'open', limit: 1 }),
    store.scan({ table: 'dead_letter', limit: 2 }),
    store.scan({ table: 'audit', limit: 1 }),
    store.census().then(({ states, holds }) => [inOrder(states), inOrder(holds)]),
  ])
}

const inOrder = (counts: ReadonlyMap<string, number>): readonly string[] =>
  [...counts].map(([name, count]) => `${name} ${count}`).toSorted()

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

// Text first: it is quicker, and nearly always enough.
function expectSame(actual: unknown, expected: unknown): void {
  if (!same(actual, expected)) assert.deepEqual(actual, expected)
}
