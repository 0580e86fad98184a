// What each function is told through its environment: only what it uses. `src/aws/settings.ts` reads it.
import type { Stack } from 'aws-cdk-lib'

import type { FunctionName } from './bundle.ts'
import type { Settled } from './props.ts'

export interface Given {
  readonly stack: Stack
  readonly settled: Settled
  readonly installation: string
  readonly tableName: string
  readonly topicArn: string
  readonly busName?: string
  readonly workQueueUrl?: string
  readonly stateMachines?: Readonly<Record<string, string>>
  readonly processor?: string
  readonly processorSecretArn?: string
  readonly checkpointHost?: string
  /** By processor. */
  readonly webhookSecretArns?: Readonly<Record<string, string>>
}

/** What the engine is opened with, wherever it runs. */
const engine = [
  'ALERT_RUNBOOK_URL',
  'INSTALLATION',
  'PROCESSORS',
  'SANDBOX',
  'TABLE',
  'UNKNOWN_ALERT_MINUTES',
] as const

/** Every function's settings, without `QUITTANCE_`. A name that has no value then stops the synth. */
export const settingsUsed = {
  authorise: ['JWT', 'TABLE'],
  intake: [...engine, 'AGENT_RATE', 'IAM_CALLERS', 'WEBHOOK_SECRET_ARNS'],
  relay: ['BUS', 'TABLE', 'WORK_QUEUE_URL'],
  dispatch: ['EPOCH', 'STATE_MACHINES'],
  step: [...engine, 'ALERT_TOPIC_ARN', 'PROCESSOR', 'PROCESSOR_SECRET_ARN', 'WORKFLOW'],
  reconcile: [
    ...engine,
    'ALERT_TOPIC_ARN',
    'CHECKPOINT_HOST',
    'PROCESSOR',
    'PROCESSOR_SECRET_ARN',
    'RECONCILE_DAYS',
    'RECONCILE_MINUTES',
  ],
  sweep: [...engine, 'ALERT_TOPIC_ARN', 'BUS', 'WORK_QUEUE_URL'],
  redrive: engine,
  alerts: [...engine, 'ALERT_TOPIC_ARN'],
} as const satisfies Record<FunctionName, readonly string[]>

export function environmentOf(name: FunctionName, given: Given): Record<string, string> {
  const known = settingsOf(given)
  return Object.fromEntries(
    settingsUsed[name].map((setting) => {
      const value = known[setting]
      if (value === undefined) throw new Error(`${name} is not told ${setting}.`)
      return [`QUITTANCE_${setting}`, value]
    }),
  )
}

function settingsOf(given: Given): Record<string, string | undefined> {
  const { stack, settled } = given
  const json = (value: unknown): string | undefined =>
    value === undefined ? undefined : stack.toJsonString(value)
  return {
    AGENT_RATE: settled.limits.agentRate,
    ALERT_RUNBOOK_URL: settled.runbookUrl,
    ALERT_TOPIC_ARN: given.topicArn,
    BUS: given.busName,
    CHECKPOINT_HOST: given.checkpointHost,
    EPOCH: String(settled.epoch),
    IAM_CALLERS: json(settled.identities),
    INSTALLATION: given.installation,
    // Read by the authoriser as it is: nothing of it is made when the template is deployed.
    JWT: JSON.stringify(settled.jwt),
    PROCESSOR: given.processor,
    PROCESSORS: json(processorsOf(settled)),
    PROCESSOR_SECRET_ARN: given.processorSecretArn,
    RECONCILE_DAYS: String(settled.reconcile.days),
    RECONCILE_MINUTES: String(settled.reconcile.everyMinutes),
    SANDBOX: settled.sandbox ? '1' : '0',
    STATE_MACHINES: json(given.stateMachines),
    TABLE: given.tableName,
    UNKNOWN_ALERT_MINUTES: String(Math.ceil(settled.thresholds.unknownSeconds / 60)),
    WEBHOOK_SECRET_ARNS: json(given.webhookSecretArns),
    WORKFLOW: settled.workflow,
    WORK_QUEUE_URL: given.workQueueUrl,
  }
}

/** Named one by one: what is secret, now or later, is not among them. */
function processorsOf({ processors }: Settled): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(processors).map(
      ([name, { kind, url, account, rate, callTimeoutMs, absenceAfterMs }]) => [
        name,
        { kind, url, account, rate, callTimeoutMs, absenceAfterMs },
      ],
    ),
  )
}
