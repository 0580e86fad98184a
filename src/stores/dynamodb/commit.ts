// A commit: plan it, send it as one request, and go on until the answer is certain or patience ends.
//
// All tries of one plan are the same request under the same token, so that DynamoDB carries it out once
// whatever is lost on the way. A write that is asked again later, minutes or processes apart, is known by
// the id that its rows carry: the token is forgotten after ten minutes, the id never.
import { createHash } from 'node:crypto'
import { TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'

import type { CommitResult, Write } from '../../ports.ts'
import type { Client } from './client.ts'
import { longestMs, maxTries, pause } from './patience.ts'
import type { Patience } from './patience.ts'
import type { Step } from './step.ts'
import { failureOf, judge } from './verdict.ts'
import type { Refused, Verdict } from './verdict.ts'

/** Where a request stands; tests stop it there. */
export type Moment = 'asked' | 'answered'

export interface Sending extends Patience {
  readonly client: Client
  /** For tests: what it throws is a network that failed. */
  readonly onMoment: (moment: Moment) => void
}

/** DynamoDB takes no more. */
const maxItems = 100
const longestToken = 36

/** Others changed what we had assumed so often that it is no coincidence. */
const maxPlans = 20

/** `plan` is asked anew each time an assumption of it failed; `again`: how often it has. */
export async function commitPlanned(
  sending: Sending,
  { commitId }: Write,
  plan: (again: number) => Promise<readonly Step[]>,
): Promise<CommitResult> {
  for (let again = 0; again < maxPlans; again += 1) {
    let steps: readonly Step[]
    try {
      steps = await plan(again)
    } catch (error) {
      const failure = failureOf(error)
      if (failure.failure === 'bug' || isOwnMistake(error)) throw error
      return unknown('why' in failure ? failure.why : 'it could not be planned')
    }
    if (steps.length === 0) return { result: 'committed' }
    if (steps.length > maxItems)
      throw new Error('a write touches more items than fit in one request')
    const verdict = await send(sending, steps, tokenOf(commitId, sending.random))
    if (verdict.result === 'in_doubt') return unknown('its answer was lost')
    if (verdict.result !== 'stale') return verdict
    await pause(sending, again + 1)
  }
  return unknown('others kept changing its rows')
}

/** A failed assertion is no failing network. */
const isOwnMistake = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_ASSERTION'

const unknown = (why: string): CommitResult => ({ result: 'unknown', why })

/**
 * The commit id, and which of its plans this is: another plan of the same write is another request. Ids
 * of any length fit.
 */
function tokenOf(commitId: string, random: () => number): string {
  const plan = Math.floor(random() * 36 ** 5).toString(36)
  const token = `${commitId}.${plan}`
  if (token.length <= longestToken) return token
  return createHash('sha256').update(token).digest('base64url').slice(0, longestToken)
}

async function send(
  sending: Sending,
  steps: readonly Step[],
  token: string,
): Promise<Verdict | Extract<CommitResult, { result: 'unknown' }>> {
  let inDoubt = false
  let why = ''
  const givenUpAtMs = performance.now() + longestMs
  for (let tries = 1; tries <= maxTries; tries += 1) {
    try {
      await sendOnce(sending, steps, token)
      return { result: 'committed' }
    } catch (error) {
      const failure = failureOf(error)
      if (failure.failure === 'refused') return verdictOf(steps, failure.reasons, inDoubt)
      ;({ why } = failure)
      if (failure.failure === 'bug') throw new Error(why, { cause: error })
      if (failure.failure === 'impossible') return { result: 'unknown', why }
      if (failure.failure === 'in_doubt') inDoubt = true
    }
    if (tries === maxTries || performance.now() > givenUpAtMs) break
    await pause(sending, tries)
  }
  return { result: 'unknown', why }
}

// A plain request has no token: what stands in its way may have been written over its own row.
function verdictOf(steps: readonly Step[], reasons: readonly Refused[], inDoubt: boolean): Verdict {
  const verdict = judge(steps, reasons, inDoubt)
  const isBlind = inDoubt && isPlainRequest(steps) && verdict.result !== 'committed'
  return isBlind ? { result: 'in_doubt' } : verdict
}

const isPlainRequest = (steps: readonly Step[]): boolean =>
  steps.length === 1 && steps[0]?.isPlain === true

async function sendOnce(
  { client, onMoment }: Sending,
  steps: readonly Step[],
  token: string,
): Promise<void> {
  onMoment('asked')
  const update = steps[0]?.action.Update
  if (isPlainRequest(steps) && update !== undefined) {
    await client.send(new UpdateItemCommand(update))
    onMoment('answered')
    return
  }
  await client.send(
    new TransactWriteItemsCommand({
      TransactItems: steps.map(({ action }) => action),
      ClientRequestToken: token,
    }),
  )
  onMoment('answered')
}
