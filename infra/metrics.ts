// The numbers that alarms and the dashboard look at: ours, from the lines that functions log, and those
// of the services.
import { Duration } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'

import type { Watched } from './alarms.ts'

/** Where the functions' own numbers stand, with `Installation` as their one dimension. */
const namespace = 'Quittance'

const minute = Duration.minutes(1)

/** For what must be told within seconds; written with a resolution of one second. */
const tenSeconds = Duration.seconds(10)

export type Metrics = ReturnType<typeof metricsOf>

export function metricsOf(watched: Watched) {
  const { installation, tableName, indexNames } = watched
  const ours = (
    metricName: string,
    statistic: string = cloudwatch.Stats.MAXIMUM,
    period = minute,
  ): cloudwatch.Metric =>
    new cloudwatch.Metric({
      namespace,
      metricName,
      dimensionsMap: { Installation: installation },
      statistic,
      period,
    })
  return {
    parked: ours('Parked', cloudwatch.Stats.SUM, tenSeconds),
    breakersOpen: ours('BreakersOpen', cloudwatch.Stats.MAXIMUM, tenSeconds),
    unknownOldest: ours('UnknownOldestSeconds'),
    outboxOldest: ours('OutboxOldestSeconds'),
    dueOldest: ours('DueOldestSeconds'),
    deadLetters: ours('DeadLetters'),
    reconciledOldest: ours('ReconciledOldestSeconds', cloudwatch.Stats.MAXIMUM, fiveMinutes),
    sweepFinished: ours('SweepFinished', cloudwatch.Stats.SUM),

    iteratorAge: watched.relay.metric('IteratorAge', {
      statistic: cloudwatch.Stats.MAXIMUM,
      period: minute,
    }),
    putAside: sum(
      'records',
      ['DroppedEventCount', 'OnFailureDestinationDeliveredEventCount'].map(
        (metricName) =>
          new cloudwatch.Metric({
            namespace: 'AWS/Lambda',
            metricName,
            dimensionsMap: {
              EventSourceMappingUUID: watched.streamMappingId,
              FunctionName: watched.relay.functionName,
            },
            statistic: cloudwatch.Stats.SUM,
            period: minute,
          }),
      ),
    ),
    serverErrors: watched.api.metricServerError({
      statistic: cloudwatch.Stats.SUM,
      period: minute,
    }),
    requests: watched.api.metricCount({ period: minute }),
    latency: watched.api.metricLatency({ statistic: 'p99', period: minute }),
    functionThrottles: sum(
      'throttles',
      watched.functions.map((each) =>
        each.metricThrottles({ statistic: cloudwatch.Stats.SUM, period: fiveMinutes }),
      ),
      fiveMinutes,
    ),
    concurrency: watched.functions.map((each) =>
      each.metric('ConcurrentExecutions', {
        statistic: cloudwatch.Stats.MAXIMUM,
        period: minute,
        label: each.node.id,
      }),
    ),
    tableThrottles: sum('refusals', throttlesOf(tableName, indexNames), fiveMinutes),
    runFailures: Object.fromEntries(
      Object.entries(watched.machineArns).map(([processor, arn]) => [
        processor,
        sum(
          `runs_${processor}_`,
          ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map(ofMachine(arn)),
        ),
      ]),
    ),
    runs: Object.values(watched.machineArns).map(ofMachineStarted),
  }
}

const fiveMinutes = Duration.minutes(5)

function throttlesOf(tableName: string, indexNames: readonly string[]): cloudwatch.Metric[] {
  const places: Record<string, string>[] = [
    { TableName: tableName },
    ...indexNames.map((name) => ({ TableName: tableName, GlobalSecondaryIndexName: name })),
  ]
  return places.flatMap((dimensionsMap) =>
    ['ReadThrottleEvents', 'WriteThrottleEvents'].map(
      (metricName) =>
        new cloudwatch.Metric({
          namespace: 'AWS/DynamoDB',
          metricName,
          dimensionsMap,
          statistic: cloudwatch.Stats.SUM,
          period: fiveMinutes,
        }),
    ),
  )
}

const ofMachine =
  (arn: string) =>
  (metricName: string): cloudwatch.Metric =>
    new cloudwatch.Metric({
      namespace: 'AWS/States',
      metricName,
      dimensionsMap: { StateMachineArn: arn },
      statistic: cloudwatch.Stats.SUM,
      period: minute,
    })

const ofMachineStarted = (arn: string): cloudwatch.Metric => ofMachine(arn)('ExecutionsStarted')

// A number that is not there counts as none.
function sum(
  /** Small letters: part of an id that is unique in a graph. */
  label: string,
  metrics: readonly cloudwatch.Metric[],
  period = minute,
): cloudwatch.MathExpression {
  const usingMetrics = Object.fromEntries(
    metrics.map((metric, index) => [`${label}${index}`, metric]),
  )
  return new cloudwatch.MathExpression({
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics,
    label,
    period,
  })
}
