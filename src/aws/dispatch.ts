// Lambda: from the work queue to the state machine of the payment's processor. A run has one name, so
// that a message that comes twice starts it once.
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'

import { failed } from './lambda.ts'
import type { BatchResponse } from './lambda.ts'
import { logLine } from './metrics.ts'
import { readSettings } from './settings.ts'
import { fromMessage } from './work.ts'
import type { Work } from './work.ts'

export interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[]
}

export interface Dispatching {
  readonly client: Pick<SFNClient, 'send'>
  /** By processor. */
  readonly machines: Readonly<Record<string, string>>
  /** Raised by a restore: names of executions are taken for 90 days. */
  readonly epoch: string
}

let dispatching: Dispatching | null = null

export async function handler(event: QueueEvent): Promise<BatchResponse> {
  dispatching ??= open()
  return dispatchBatch(dispatching, event)
}

function open(): Dispatching {
  const settings = readSettings()
  return {
    client: new SFNClient({}),
    machines: settings.json('STATE_MACHINES'),
    epoch: settings.text('EPOCH'),
  }
}

export async function dispatchBatch(
  given: Dispatching,
  { Records }: QueueEvent,
): Promise<BatchResponse> {
  const started = await Promise.all(
    Records.map(async ({ messageId, body }) =>
      (await dispatchOne(given, body)) ? [] : [messageId],
    ),
  )
  return failed(started.flat())
}

async function dispatchOne(
  { client, machines, epoch }: Dispatching,
  body: string,
): Promise<boolean> {
  const work = fromMessage(body)
  const machine = work === null ? undefined : machines[work.processor]
  if (work === null || machine === undefined) {
    // After its last try it is in the queue for what could not be dispatched, and an alarm tells.
    logLine()({ level: 'error', kind: 'work_not_understood', detail: body.slice(0, 300) })
    return false
  }
  const { paymentId, run } = work
  try {
    await client.send(
      new StartExecutionCommand({
        stateMachineArn: machine,
        name: executionName(epoch, work),
        input: JSON.stringify({ paymentId, run }),
      }),
    )
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionAlreadyExists') return true
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    logLine()({ level: 'warn', kind: 'dispatch_failed', payment_id: paymentId, detail })
    return false
  }
}

/**
 * At most 80 characters. What asks for something in a run that may have ended already names its event;
 * that another execution of the same run may still go on is harmless.
 */
export function executionName(epoch: string, { paymentId, run, seq }: Work): string {
  return [epoch, paymentId, String(run), ...(seq === null ? [] : [String(seq)])].join('-')
}
