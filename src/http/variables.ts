// What the variable part of a path may be: its name in the route table says what it names. Text of
// another form was never given out, so it leads nowhere and is looked up nowhere.
import { reject } from '../core/rejections.ts'
import type { Refusal } from './problem.ts'
import { namePattern, paymentIdPattern } from './schemas.ts'

export interface Variable {
  readonly pattern: RegExp
  /** The answer where there is no such thing. */
  readonly absent: Refusal
}

export const noSuchPayment: Refusal = {
  rejection: reject('payment_not_found', 'No payment that you may see has this id.'),
}

export const noSuchAgent: Refusal = {
  rejection: reject('not_found', 'There is no such agent; GET /v1/agents lists them.'),
}

export const noSuchAccount: Refusal = {
  rejection: reject('not_found', 'There is no such account; GET /v1/accounts lists them.'),
}

export const noSuchProcessor: Refusal = {
  rejection: reject('not_found', 'There is no such processor; GET /v1/processors lists them.'),
}

export const noSuchRun: Refusal = {
  rejection: reject('not_found', 'There is no such run; GET /v1/reconciliations lists them.'),
}

export const noSuchFile: Refusal = {
  rejection: reject('not_found', 'There is no such file; POST /v1/settlement-files begins one.'),
}

export const noSuchBreak: Refusal = {
  rejection: reject('not_found', 'There is no such break; GET /v1/breaks lists them.'),
}

export const noSuchEndpoint: Refusal = {
  rejection: reject(
    'not_found',
    'There is no such endpoint; GET /v1/webhook-endpoints lists them.',
  ),
}

export const noSuchPublisher: Refusal = {
  rejection: reject('not_found', 'There is no such publisher; GET /v1/publishers lists them.'),
}

const payment: Variable = { pattern: paymentIdPattern, absent: noSuchPayment }

const variables: Readonly<Record<string, Variable>> = {
  id: payment,
  paymentId: payment,
  accountId: { pattern: namePattern, absent: noSuchAccount },
  agentId: { pattern: namePattern, absent: noSuchAgent },
  name: { pattern: namePattern, absent: noSuchProcessor },
  runId: { pattern: /^rec_[0-9A-Z]{26}$/, absent: noSuchRun },
  endpointId: { pattern: /^whe_[0-9A-Z]{26}$/, absent: noSuchEndpoint },
  publisher: { pattern: namePattern, absent: noSuchPublisher },
  fileId: { pattern: /^stf_[0-9a-f]{26}$/, absent: noSuchFile },
  breakId: { pattern: /^brk_[0-9a-f]{26}$/, absent: noSuchBreak },
}

/** Of a path of the route table; `null`: it has none. */
export function variableOf(path: string): Variable | null {
  const name = /\{(\w+)\}/.exec(path)?.[1]
  if (name === undefined) return null
  const variable = variables[name]
  if (variable === undefined) throw new Error(`nothing says what {${name}} is, in ${path}`)
  return variable
}

/** `null`: it may be there. */
export function refusePath(variable: Variable | null, asked: string): Refusal | null {
  return variable === null || variable.pattern.test(asked) ? null : variable.absent
}
