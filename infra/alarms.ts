// What a person is called for, each with the heading that says what to do. No alarm reads Lambda's own
// `Errors`: our control flow is thrown and appears there.
import { Duration } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'

import { metricsOf } from './metrics.ts'
import type { Settled } from './props.ts'

export interface Watched {
  readonly settled: Settled
  readonly installation: string
  readonly api: RestApi
  readonly tableName: string
  readonly indexNames: readonly string[]
  /** Those whose throttling delays payments. */
  readonly functions: readonly lambda.Function[]
  readonly relay: lambda.Function
  readonly streamMappingId: string
  /** By processor. */
  readonly machineArns: Readonly<Record<string, string>>
  /** What was not taken, by the name of its alarm. */
  readonly deadLetterQueues: Readonly<Record<string, Queue>>
  readonly topicArn: string
}

interface Line {
  /** Up to the first hyphen also the heading of its runbook. */
  readonly name: string
  readonly what: string
  readonly metric: cloudwatch.IMetric
  readonly threshold: number
  /** How many of the last periods must be over it; 1 of 1 unless told. */
  readonly outOf?: readonly [number, number]
  /** Silence is trouble. */
  readonly silenceIsBad?: boolean
  readonly below?: boolean
}

export function makeAlarms(scope: Construct, watched: Watched): readonly cloudwatch.Alarm[] {
  const lines = [...linesOfPayments(watched), ...linesOfPlumbing(watched)]
  return lines.map((line) => makeAlarm(scope, line, watched))
}

function makeAlarm(scope: Construct, line: Line, { settled, topicArn }: Watched): cloudwatch.Alarm {
  const [times, of] = line.outOf ?? [1, 1]
  const [heading = ''] = line.name.split('-')
  const alarm = new cloudwatch.Alarm(scope, `${line.name}Alarm`, {
    alarmDescription: `${line.what} What to do: ${settled.runbookUrl}#${heading.toLowerCase()}`,
    metric: line.metric,
    threshold: line.threshold,
    comparisonOperator:
      line.below === true
        ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        : cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    datapointsToAlarm: times,
    evaluationPeriods: of,
    treatMissingData:
      line.silenceIsBad === true
        ? cloudwatch.TreatMissingData.BREACHING
        : cloudwatch.TreatMissingData.NOT_BREACHING,
  })
  const action = { bind: () => ({ alarmActionArn: topicArn }) }
  alarm.addAlarmAction(action)
  alarm.addOkAction(action)
  return alarm
}

// ── Payments ─────────────────────────────────────────────────────────────────────────────────────

function linesOfPayments(watched: Watched): readonly Line[] {
  const { thresholds } = watched.settled
  const metrics = metricsOf(watched)
  return [
    {
      name: 'DeadLetter',
      what: 'A payment was parked: the machine has done what it may.',
      metric: metrics.parked,
      threshold: 1,
    },
    {
      name: 'UnknownTooLong',
      what: 'A send may have been executed and nobody knows, for too long.',
      metric: metrics.unknownOldest,
      threshold: thresholds.unknownSeconds,
    },
    {
      name: 'PaymentsOverdue',
      what: 'The next step of a payment is due and nobody takes it.',
      metric: metrics.dueOldest,
      threshold: thresholds.overdueSeconds,
      outOf: [2, 3],
    },
    {
      name: 'OutboxLag',
      what: 'An event is not delivered; payments go on, their listeners do not know.',
      metric: metrics.outboxOldest,
      threshold: thresholds.outboxSeconds,
      outOf: [2, 3],
    },
    {
      name: 'BreakerOpen',
      what: 'A processor fails so often that nothing is sent to it.',
      metric: metrics.breakersOpen,
      threshold: 1,
    },
    {
      name: 'SweepSilent',
      what: 'The sweep has not finished for five minutes: what is lost is not found.',
      metric: metrics.sweepFinished,
      threshold: 1,
      below: true,
      outOf: [5, 5],
      silenceIsBad: true,
    },
    ...(watched.settled.reconcile.everyMinutes === 0
      ? []
      : [
          {
            name: 'NotReconciled',
            what: 'The books of a processor were not compared with ours for too long.',
            metric: metrics.reconciledOldest,
            threshold: thresholds.reconciledSeconds,
            outOf: [3, 3] as const,
            silenceIsBad: true,
          },
        ]),
  ]
}

// ── Plumbing ─────────────────────────────────────────────────────────────────────────────────────

function linesOfPlumbing(watched: Watched): readonly Line[] {
  const { thresholds } = watched.settled
  const metrics = metricsOf(watched)
  return [
    {
      name: 'IteratorAge',
      what: 'Relay falls behind the table’s stream.',
      metric: metrics.iteratorAge,
      threshold: thresholds.iteratorAgeSeconds * 1000,
      outOf: [2, 3],
    },
    {
      name: 'RecordsPutAside',
      what: 'Relay could not deliver records; they are in the bucket, the sweep publishes them.',
      metric: metrics.putAside,
      threshold: 1,
    },
    {
      name: 'ServerErrors',
      what: 'The door answers 5xx: agents ask again with the same key.',
      metric: metrics.serverErrors,
      threshold: thresholds.serverErrors,
      outOf: [2, 3],
    },
    {
      name: 'FunctionThrottles',
      what: 'Functions are at the limit of their concurrency.',
      metric: metrics.functionThrottles,
      threshold: thresholds.throttles,
    },
    {
      name: 'TableThrottles',
      what: 'The table refuses reads or writes: a key is hot, or a quota is reached.',
      metric: metrics.tableThrottles,
      threshold: thresholds.throttles,
    },
    ...Object.entries(metrics.runFailures).map(([processor, metric]) => ({
      name: `RunFailures-${processor}`,
      what: `Runs of ${processor} failed, were aborted or ran out of time; the sweep starts others.`,
      metric,
      threshold: 1,
      outOf: [3, 5] as const,
    })),
    ...Object.entries(watched.deadLetterQueues).map(([name, queue]) => ({
      name,
      what: 'A message waits where nothing takes it by itself.',
      metric: queue.metricApproximateNumberOfMessagesVisible({
        period: minute,
        statistic: cloudwatch.Stats.MAXIMUM,
      }),
      threshold: 1,
    })),
  ]
}

const minute = Duration.minutes(1)
