// One page to look at: payments above, the plumbing below.
import { Stack } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'

import type { Watched } from './alarms.ts'
import { metricsOf } from './metrics.ts'

export function makeDashboard(
  scope: Construct,
  watched: Watched,
  alarms: readonly cloudwatch.Alarm[],
): cloudwatch.Dashboard {
  const metrics = metricsOf(watched)
  const third = 8
  const graph = (title: string, left: readonly cloudwatch.IMetric[]): cloudwatch.GraphWidget =>
    new cloudwatch.GraphWidget({ title, left: [...left], width: third, leftYAxis: { min: 0 } })
  return new cloudwatch.Dashboard(scope, 'Dashboard', {
    dashboardName: `${Stack.of(scope).stackName}-payments`,
    widgets: [
      [
        new cloudwatch.AlarmStatusWidget({
          title: `What to do about each: ${watched.settled.runbookUrl}`,
          alarms: [...alarms],
          width: 24,
        }),
      ],
      [
        graph('Runs started', metrics.runs),
        graph('Dead letters that wait for a person', [metrics.deadLetters]),
        graph('Oldest unknown outcome, seconds', [metrics.unknownOldest]),
      ],
      [
        graph('Oldest payment that is due, seconds', [metrics.dueOldest]),
        graph('Oldest event not delivered, seconds', [metrics.outboxOldest]),
        graph('Breakers open', [metrics.breakersOpen]),
      ],
      [
        graph('Requests and answers of 5xx', [metrics.requests, metrics.serverErrors]),
        graph('Latency of the door, p99, ms', [metrics.latency]),
        graph('Age of the stream, ms', [metrics.iteratorAge]),
      ],
      [
        graph('Concurrent executions', metrics.concurrency),
        graph('Throttled functions and table', [metrics.functionThrottles, metrics.tableThrottles]),
        graph('Runs that did not end well', Object.values(metrics.runFailures)),
      ],
    ],
  })
}
