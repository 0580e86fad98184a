// What a network and a busy table do to requests, put between the store and its client.
import { TransactWriteItemsCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import type { Client } from '../dynamodb/client.ts'

export type Fault =
  /** Another transaction was at one of its items. */
  | 'conflict'
  /** One of its partitions, or the whole request, is over its rate. */
  | 'throttled_item'
  | 'throttled'
  /** Its own token is still being worked on. */
  | 'in_progress'
  /** It never got there. */
  | 'not_sent'
  /** It was carried out, and the answer did not come. */
  | 'lost'
  /** The server failed before it did anything. */
  | 'server_error'
  /** An index that shows nothing of late. */
  | 'lagging_index'

export type Request = object

/** Each request asks which fault it meets. */
export function faultyClient(client: Client, faultOf: (request: Request) => Fault | null): Client {
  const send = async (command: Parameters<Client['send']>[0]) => {
    const fault = faultOf(command)
    if (fault === null) return client.send(command)
    if (fault === 'lost') {
      await client.send(command)
      throw named('TimeoutError', 'the answer was lost')
    }
    if (fault === 'lagging_index') {
      const isIndexed = command instanceof QueryCommand && command.input.IndexName !== undefined
      return isIndexed ? { Items: [], $metadata: {} } : client.send(command)
    }
    throw errorOf(fault, command)
  }
  // The client's `send` has an overload for each command; this passes all of them on.
  return { send: send as Client['send'], destroy: () => client.destroy() }
}

function errorOf(fault: Exclude<Fault, 'lost' | 'lagging_index'>, command: Request): Error {
  switch (fault) {
    case 'conflict':
      return command instanceof TransactWriteItemsCommand
        ? cancelled(command, 'TransactionConflict')
        : named('TransactionConflictException', 'another transaction is under way')
    case 'throttled_item':
      return command instanceof TransactWriteItemsCommand
        ? cancelled(command, 'ProvisionedThroughputExceeded')
        : named('ProvisionedThroughputExceededException', 'too fast')
    case 'throttled':
      return named('ThrottlingException', 'too fast')
    case 'in_progress':
      return named('TransactionInProgressException', 'under way')
    case 'not_sent':
      return named('ECONNRESET', 'socket hang up')
    case 'server_error':
      return named('InternalServerError', 'try again')
  }
}

// As the table tells it: one reason for each item, in their order, and only one of them is to blame.
function cancelled(command: TransactWriteItemsCommand, code: string): Error {
  const items = command.input.TransactItems ?? []
  const reasons = items.map((_, index) => ({ Code: index === items.length - 1 ? code : 'None' }))
  const error = named('TransactionCanceledException', `[${code}]`)
  return Object.assign(error, { CancellationReasons: reasons })
}

export function named(name: string, message: string): Error {
  const error = new Error(message)
  error.name = name
  return error
}
