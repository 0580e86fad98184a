// Which dead letters are meant, as options of a command.
import type { DeadLetterFilter } from '../client/index.ts'
import { parkReasons } from '../core/dead-letter.ts'
import type { OperationKind } from '../core/payment.ts'
import type { Option, Words } from './command.ts'
import { readSeconds } from './duration.ts'
import { usageError } from './exit.ts'

const steps = [
  'create',
  'authorise',
  'capture',
  'void',
  'refund',
] as const satisfies readonly OperationKind[]

export const filterOptions: Readonly<Record<string, Option>> = {
  'reason-code': { value: 'CODE', what: `why they were parked: ${parkReasons.join(', ')}` },
  step: { value: 'STEP', what: `what they are stuck in: ${steps.join(', ')}` },
  processor: { value: 'NAME', what: 'only those of this processor' },
  agent: { value: 'ID', what: 'only those of this agent' },
  'older-than': { value: 'TIME', what: 'parked at least so long ago: 90s, 30m, 2h, 1d' },
}

export function filterOf(words: Words): DeadLetterFilter {
  const processor = words.text('processor')
  const agent = words.text('agent')
  const reason = oneOf(words, 'reason-code', parkReasons)
  const step = oneOf(words, 'step', steps)
  const age = words.text('older-than')
  const seconds = age === null ? null : readSeconds(age)
  if (age !== null && seconds === null)
    throw usageError(`--older-than is "${age}"; it must be a time such as 90s, 30m, 2h or 1d.`)
  return {
    ...(reason === null ? {} : { reason }),
    ...(step === null ? {} : { step }),
    ...(processor === null ? {} : { processor }),
    ...(agent === null ? {} : { agent }),
    ...(seconds === null ? {} : { older_than: seconds }),
  }
}

function oneOf<Value extends string>(
  words: Words,
  option: string,
  values: readonly Value[],
): Value | null {
  const text = words.text(option)
  if (text === null) return null
  const found = values.find((value) => value === text)
  if (found !== undefined) return found
  throw usageError(`--${option} is "${text}"; it must be one of ${values.join(', ')}.`)
}
