// Counts what requests cost: the table is asked with each of them, and its answer kept under what was
// being done.
import {
  GetItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb'

import type { Client } from '../../src/stores/dynamodb/client.ts'

export interface Counted {
  operation: string
  readonly writes: number
  readonly reads: number
  readonly indexWrites: number
  /** Partition keys of what it wrote. */
  readonly keys: readonly string[]
}

export interface Counter {
  readonly client: Client
  readonly counted: Counted[]
  /** What is asked of the store now. */
  operation: string
}

export function countingClient(client: Client): Counter {
  const counter: Counter = { counted: [], operation: '', client: { ...client, send: client.send } }
  const send = async (command: Parameters<Client['send']>[0]) => {
    Object.assign(command.input, { ReturnConsumedCapacity: 'INDEXES' })
    const answer: unknown = await client.send(command)
    const capacities = capacitiesOf(answer)
    const isWrite =
      command instanceof TransactWriteItemsCommand || command instanceof UpdateItemCommand
    const units = capacities.reduce((all, each) => all + (each.CapacityUnits ?? 0), 0)
    const onTable = capacities.reduce((all, each) => all + (each.Table?.CapacityUnits ?? 0), 0)
    counter.counted.push({
      operation: counter.operation,
      writes: isWrite ? units : 0,
      indexWrites: isWrite ? units - onTable : 0,
      reads: isRead(command) ? units : 0,
      keys: isWrite ? keysOf(command) : [],
    })
    return answer
  }
  // The client's `send` has an overload for each command; this passes all of them on.
  Object.assign(counter.client, { send, destroy: () => undefined })
  return counter
}

const isRead = (command: object): boolean =>
  command instanceof GetItemCommand ||
  command instanceof TransactGetItemsCommand ||
  command instanceof QueryCommand ||
  command instanceof ScanCommand

function capacitiesOf(answer: unknown): readonly ConsumedCapacity[] {
  // Every answer to a request that asks for it carries this.
  const { ConsumedCapacity: told = [] } = answer as {
    ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[]
  }
  return Array.isArray(told) ? told : [told]
}

function keysOf(command: TransactWriteItemsCommand | UpdateItemCommand): readonly string[] {
  if (command instanceof UpdateItemCommand) return [command.input.Key?.['pk']?.S ?? '']
  return (command.input.TransactItems ?? []).map(
    ({ Update: update, Put: put, Delete: gone, ConditionCheck: check }) =>
      (update?.Key ?? put?.Item ?? gone?.Key ?? check?.Key)?.['pk']?.S ?? '',
  )
}

export interface Line {
  readonly operation: string
  readonly requests: number
  readonly writes: number
  readonly indexWrites: number
  readonly reads: number
}

export function linesOf(counted: readonly Counted[]): readonly Line[] {
  return [...Map.groupBy(counted, ({ operation }) => operation)].map(([operation, each]) => ({
    operation,
    requests: each.length,
    ...totalOf(each),
  }))
}

export function totalOf(counted: readonly Counted[]) {
  const sum = (of: (each: Counted) => number) => counted.reduce((all, each) => all + of(each), 0)
  return {
    writes: sum(({ writes }) => writes),
    indexWrites: sum(({ indexWrites }) => indexWrites),
    reads: sum(({ reads }) => reads),
  }
}
