// Reads of the table, tried again while it is busy. What cannot be read rejects.
import {
  GetItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
} from '@aws-sdk/client-dynamodb'
import type { QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb'

import type { Client } from './client.ts'
import { keyOfPlace } from './expressions.ts'
import type { Item } from './items.ts'
import { longestMs, maxTries, pause } from './patience.ts'
import type { Patience } from './patience.ts'
import type { Place } from './places.ts'
import { failureOf } from './verdict.ts'

export interface Reading extends Patience {
  readonly client: Client
  readonly table: string
}

/** A consistent read of several items takes no more. */
export const maxTogether = 100

/** Items at one moment, each once; an item that is not there is `undefined`. */
export async function getTogether(
  reading: Reading,
  places: readonly Place[],
): Promise<readonly (Item | undefined)[]> {
  const { client, table } = reading
  const [only] = places
  if (only === undefined) return []
  if (places.length === 1) return [await getOne(reading, only)]
  const wanted = places.map((place) => ({ Get: { TableName: table, Key: keyOfPlace(place) } }))
  const { Responses: found = [] } = await patiently(reading, () =>
    client.send(new TransactGetItemsCommand({ TransactItems: wanted })),
  )
  return places.map((_, index) => present(found[index]?.Item))
}

async function getOne(reading: Reading, place: Place): Promise<Item | undefined> {
  const { client, table } = reading
  const input = { TableName: table, Key: keyOfPlace(place), ConsistentRead: true }
  const { Item: found } = await patiently(reading, () => client.send(new GetItemCommand(input)))
  return present(found)
}

/** Each by itself, consistent, a few at a time: for rows that need not be of one moment. */
export async function getEach(
  reading: Reading,
  places: readonly Place[],
): Promise<readonly (Item | undefined)[]> {
  const found: (Item | undefined)[] = []
  for (let from = 0; from < places.length; from += atOnce) {
    const some = places.slice(from, from + atOnce)
    found.push(...(await Promise.all(some.map((place) => getOne(reading, place)))))
  }
  return found
}

/** Requests of one question under way at once. */
const atOnce = 25

const present = (item: Item | undefined): Item | undefined =>
  item === undefined || Object.keys(item).length === 0 ? undefined : item

export interface Page {
  readonly items: readonly Item[]
  /** Where the next page begins; `undefined`: there is none. */
  readonly next: Item | undefined
}

export async function query(
  reading: Reading,
  input: Omit<QueryCommandInput, 'TableName'>,
): Promise<Page> {
  const { client, table } = reading
  const { Items: items = [], LastEvaluatedKey: next } = await patiently(reading, () =>
    client.send(new QueryCommand({ TableName: table, ...input })),
  )
  return { items, next }
}

/** The whole table, page by page: for a start, for tools and for tests. */
export async function scanAll(
  reading: Reading,
  input: Omit<ScanCommandInput, 'TableName' | 'ExclusiveStartKey'>,
  take: (item: Item) => void,
): Promise<void> {
  const { client, table } = reading
  let next: Record<string, NonNullable<Item[string]>> | undefined
  do {
    const from = next === undefined ? {} : { ExclusiveStartKey: next }
    const page = await patiently(reading, () =>
      client.send(new ScanCommand({ TableName: table, ConsistentRead: true, ...input, ...from })),
    )
    for (const item of page.Items ?? []) take(item)
    next = page.LastEvaluatedKey
  } while (next !== undefined)
}

export async function patiently<T>(patience: Patience, ask: () => Promise<T>): Promise<T> {
  const givenUpAtMs = performance.now() + longestMs
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      const { failure } = failureOf(error)
      const isWorthIt = failure === 'busy' || failure === 'in_doubt'
      if (!isWorthIt || tries === maxTries || performance.now() > givenUpAtMs) throw error
    }
    await pause(patience, tries)
  }
}
