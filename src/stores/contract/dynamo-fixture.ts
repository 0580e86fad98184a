// A DynamoDB store on a table of its own, and the ways in which the suite makes it suffer.
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { CreateTableCommand, DeleteTableCommand } from '@aws-sdk/client-dynamodb'
import type { CommitResult, Store, Write } from '../../ports.ts'
import type { Client } from '../dynamodb/client.ts'
import { openDynamoStore } from '../dynamodb/store.ts'
import type { DynamoOptions, DynamoStore } from '../dynamodb/store.ts'
import { createTableInput } from '../dynamodb/table.ts'
import { faultyClient } from './dynamo-faults.ts'
import type { Fault } from './dynamo-faults.ts'
import { dynamoServer } from './dynamo-server.ts'
import type { Fixture } from './store-contract.ts'

/** Fewer than in production: the emulator's time is the tests' time. */
const small = {
  workShards: 2,
  listShards: 5,
  copies: 3,
  movedWhenEarlyByMs: 0,
  sleep: () => turn(),
}

export interface TestTable {
  readonly table: string
  readonly client: Client
  readonly dispose: () => Promise<void>
}

export async function makeTable(): Promise<TestTable> {
  const server = await dynamoServer()
  if (server === null) throw new Error('asked for a table without a server')
  const { client } = server
  const table = `test-${randomUUID()}`
  await client.send(new CreateTableCommand(createTableInput(table)))
  const dispose = async () => {
    await client.send(new DeleteTableCommand({ TableName: table }))
  }
  return { table, client, dispose }
}

/** A store with settings that suit tests. */
export const openTestStore = (
  { table, client }: Pick<TestTable, 'table' | 'client'>,
  options: Partial<DynamoOptions> = {},
): DynamoStore => openDynamoStore({ ...small, table, client, ...options })

/** As it is: what is asked at once goes out at once. */
export function openDynamoFixture(options: Partial<DynamoOptions> = {}) {
  return async (): Promise<Fixture> => {
    const made = await makeTable()
    const open = (): Fixture => {
      const store = openTestStore(made, options)
      return {
        store,
        dispose: made.dispose,
        reopen: async () => {
          await store.close()
          return open()
        },
      }
    }
    return open()
  }
}

// ── For histories ────────────────────────────────────────────────────────────────────────────────

/**
 * Histories are judged in the order in which they were asked, and by the order of all events. A network
 * keeps no such order and a clock of milliseconds tells none: here writes wait for each other, and each
 * has a time of its own. On the way, every few requests something happens that has to be borne.
 */
export async function openInTurn(options: Partial<DynamoOptions> = {}): Promise<Fixture> {
  const made = await makeTable()
  return inTurnOn(made, options, { nowMs: 1_000_000 })
}

function inTurnOn(
  made: TestTable,
  options: Partial<DynamoOptions>,
  clock: { nowMs: number },
): Fixture {
  let onMoment = (): void => {}
  const store = openTestStore(
    { table: made.table, client: faultyClient(made.client, everyFewRequests()) },
    {
      ...options,
      now: () => (clock.nowMs += 1),
      onMoment: () => onMoment(),
      // One of the publishers is served by the index, the other by the table.
      publisher: 'webhook',
    },
  )
  const turns = takeTurns(store)

  /** The network fails from one moment on, for so many requests. */
  async function commitUntil(writes: readonly Write[], moment: number, fails: number) {
    const answers: (CommitResult | null)[] = writes.map(() => null)
    let toldByThen: typeof answers | null = null
    let moments = 0
    onMoment = () => {
      moments += 1
      if (moments === moment + 1) toldByThen = [...answers]
      if (moments > moment && moments <= moment + fails) throw new Error('the network failed here')
    }
    await Promise.all(
      writes.map(async (write, index) => {
        answers[index] = await turns.commit(write)
      }),
    )
    onMoment = () => {}
    return { answers, toldByThen: toldByThen ?? answers }
  }

  const reopen = async (): Promise<Fixture> => {
    await store.close()
    return inTurnOn(made, options, clock)
  }
  const fixture: Fixture = {
    store: turns,
    dispose: made.dispose,
    reopen,
    crash: async (writes, moment) => {
      const { toldByThen } = await commitUntil(writes, moment, Infinity)
      return { fixture: await reopen(), answers: toldByThen }
    },
    // Some faults pass before patience ends, others do not.
    disturb: async (writes, moment) => {
      const { answers } = await commitUntil(writes, moment, moment % 2 === 0 ? 1 : 18)
      return { fixture, answers }
    },
  }
  return fixture
}

function takeTurns(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve()
  return {
    ...store,
    commit(write) {
      const committing = last.then(() => store.commit(write))
      last = committing
      return committing
    },
  }
}

/** Faults that nobody notices: nothing was carried out, and the table says so. */
const borne: readonly Fault[] = ['conflict', 'throttled', 'throttled_item']

const everyNth = 9

function everyFewRequests(): () => Fault | null {
  let requests = 0
  return () => {
    requests += 1
    if (requests % everyNth !== 0) return null
    return borne[(requests / everyNth) % borne.length] ?? null
  }
}
