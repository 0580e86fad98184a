// How a step ends when it does not simply end: by these names the state machine goes on. They are
// literals, because bundlers rename classes.
export type StepErrorName =
  /** Come back at the time in the message. */
  | 'NotYet'
  /** Something may have happened at the processor; it is found out first. */
  | 'OutcomeUnknown'
  /** A void or a refund is due. */
  | 'Amend'
  /** It waits for a person. */
  | 'Parked'
  /** A newer run drives the payment. */
  | 'Superseded'
  /** There is nothing to do, or not before a run would have waited too long. */
  | 'Ended'

export const stepErrorNames = [
  'NotYet',
  'OutcomeUnknown',
  'Amend',
  'Parked',
  'Superseded',
  'Ended',
] as const satisfies readonly StepErrorName[]

export function stepError(name: StepErrorName, message: string): Error {
  const error = new Error(message)
  error.name = name
  return error
}

export const isStepError = (error: unknown): boolean =>
  error instanceof Error && stepErrorNames.some((name) => name === error.name)
