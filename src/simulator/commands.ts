// The bodies of the processor's POST routes, checked and turned into commands. What is wrong with a
// body is a command too: its refusal is stored under the key like any other answer.
import type { Terms } from './charges.ts'
import type { Operation } from './faults.ts'
import {
  firstWrong,
  isAmount,
  isBoolean,
  isCurrency,
  isMetadata,
  isText,
  optional,
} from './fields.ts'
import type { Check, Fields } from './fields.ts'

export type Command =
  | {
      readonly do: 'charge'
      readonly terms: Terms
      readonly confirm: boolean
      readonly capture: boolean
    }
  | { readonly do: 'confirm'; readonly id: string; readonly capture: boolean }
  | { readonly do: 'capture'; readonly id: string; readonly amount: number | null }
  | { readonly do: 'cancel'; readonly id: string }
  | {
      readonly do: 'refund'
      readonly id: string
      readonly amount: number
      readonly reference: string
      readonly metadata: Readonly<Record<string, string>>
    }
  | { readonly do: 'cancel_reference'; readonly reference: string }
  | {
      readonly do: 'refuse'
      readonly operation: Operation
      readonly id: string | null
      readonly param: string
    }

export const commandNames = ['confirm', 'capture', 'cancel', 'refunds'] as const

export type CommandName = (typeof commandNames)[number]

const shapes = Object.freeze({
  charge: {
    amount: isAmount,
    currency: isCurrency,
    payee: isText,
    payment_method: optional(isText),
    capture: optional(isBoolean),
    confirm: optional(isBoolean),
    reference: isText,
    metadata: optional(isMetadata),
  },
  confirm: { capture: optional(isBoolean) },
  capture: { amount: optional(isAmount) },
  cancel: {},
  refunds: { amount: isAmount, reference: isText, metadata: optional(isMetadata) },
  cancellation: { reference: isText },
} satisfies Readonly<Record<string, Readonly<Record<string, Check>>>>)

export function chargeCommand(body: Fields): Command {
  const confirm = body['confirm'] !== false
  const param = firstWrong(body, shapes.charge)
  const operation = confirm ? 'authorise' : 'create'
  if (param !== null) return { do: 'refuse', operation, id: null, param }
  // `firstWrong` checked each of these fields; the same holds for the casts below.
  const terms: Terms = {
    amount: body['amount'] as number,
    currency: body['currency'] as string,
    payee: body['payee'] as string,
    paymentMethod: (body['payment_method'] ?? null) as string | null,
    reference: body['reference'] as string,
    metadata: (body['metadata'] ?? {}) as Terms['metadata'],
  }
  return { do: 'charge', terms, confirm, capture: body['capture'] === true }
}

export function commandOn(id: string, name: CommandName, body: Fields): Command {
  const param = firstWrong(body, shapes[name])
  if (param !== null) return { do: 'refuse', operation: operationNamed(name), id, param }
  switch (name) {
    case 'confirm':
      return { do: 'confirm', id, capture: body['capture'] === true }
    case 'capture':
      return { do: 'capture', id, amount: (body['amount'] ?? null) as number | null }
    case 'cancel':
      return { do: 'cancel', id }
    case 'refunds': {
      const metadata = (body['metadata'] ?? {}) as Terms['metadata']
      const reference = body['reference'] as string
      return { do: 'refund', id, amount: body['amount'] as number, reference, metadata }
    }
  }
}

export function cancellationCommand(body: Fields): Command {
  const param = firstWrong(body, shapes.cancellation)
  if (param !== null) return { do: 'refuse', operation: 'void', id: null, param }
  return { do: 'cancel_reference', reference: body['reference'] as string }
}

/** The operation whose faults may befall a command. */
export function operationOf(command: Command): Operation {
  switch (command.do) {
    case 'charge':
      return command.confirm ? 'authorise' : 'create'
    case 'confirm':
      return 'authorise'
    case 'capture':
    case 'refund':
      return command.do
    case 'cancel':
    case 'cancel_reference':
      return 'void'
    case 'refuse':
      return command.operation
  }
}

function operationNamed(name: CommandName): Operation {
  const operations = { confirm: 'authorise', capture: 'capture', cancel: 'void', refunds: 'refund' }
  return operations[name] as Operation
}
