// The whole of it: table, door, work, events, clock, alarms. Each room has its own file; here they are
// wired.
import { CfnOutput } from 'aws-cdk-lib'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam'
import type { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'

import { newsTypes } from '../src/aws/news.ts'
import { tableDefinition } from '../src/stores/dynamodb/table.ts'
import { makeAlarms } from './alarms.ts'
import type { Watched } from './alarms.ts'
import { makeFunctions, mapValues } from './all-functions.ts'
import type { Functions } from './all-functions.ts'
import { isForAgents, isForOperators, makeCallerPolicy, makeDoor } from './api.ts'
import { makeBase } from './base.ts'
import type { Base } from './base.ts'
import { makeDashboard } from './dashboard.ts'
import { addRule, readTheStream } from './events.ts'
import { acknowledgeFindings } from './findings.ts'
import type { QuittanceProps } from './props.ts'
import { keepOnFailure, makeSchedules, notRepeated } from './schedule.ts'
import { idOf, takeWork } from './work.ts'

export class Quittance extends Construct {
  readonly base: Base
  readonly functions: Functions
  readonly api: RestApi
  /** For the roles of `identities`: their routes, and nothing else. */
  readonly policies: { readonly agents: ManagedPolicy; readonly operators: ManagedPolicy } | null

  constructor(scope: Construct, id: string, props: QuittanceProps) {
    super(scope, id)
    this.base = makeBase(this, props)
    this.functions = makeFunctions(this, this.base)
    this.api = makeDoor(this, { ...this.base, ...this.functions })
    this.policies = this.base.settled.identities.length === 0 ? null : makePolicies(this)
    const stream = listen(this)
    const dlqs = { ...deliver(this), ScheduleDlq: wake(this) }
    watch(this, stream, dlqs)
    tell(this)
    acknowledgeFindings(this)
  }
}

function makePolicies(scope: Quittance) {
  return {
    agents: makeCallerPolicy(scope, 'AgentPolicy', scope.api, isForAgents),
    operators: makeCallerPolicy(scope, 'OperatorPolicy', scope.api, isForOperators),
  }
}

// ── Wiring ───────────────────────────────────────────────────────────────────────────────────────

function listen(scope: Quittance): CfnEventSourceMapping {
  const { base, functions } = scope
  const { table, putAside, settled } = base
  takeWork(scope, base.work, functions.dispatch, settled)
  const { paused } = settled
  return readTheStream(scope, { table, relay: functions.relay, bucket: putAside, paused })
}

function deliver(scope: Quittance): Record<string, Queue> {
  const { base, functions } = scope
  const { bus, key } = base
  const parked = addRule(scope, 'Parked', {
    bus,
    key,
    description: 'Dead letters, for who watches queues; the record in the table is the truth',
    detailTypes: ['payment.parked'],
    target: base.deadLetters,
  })
  const alerts = addRule(scope, 'News', {
    bus,
    key,
    description: 'Events that people may have to hear of',
    // Each other one would be an invocation, paid for and in vain; a test holds the list to the engine's.
    detailTypes: newsTypes.map((type) => `payment.${type}`),
    target: functions.alerts,
  })
  keepOnFailure(scope, 'AlertsAsync', functions.alerts, base.notTold)
  return {
    DeadLetters: base.deadLetters,
    DispatchDlq: base.dispatchDlq,
    BusDlq: base.busDlq,
    ParkedDlq: parked.dlq,
    NewsDlq: alerts.dlq,
    AlertsNotToldDlq: base.notTold,
  }
}

function wake(scope: Quittance): Queue {
  const { base, functions } = scope
  const when = 'rate(1 minute)'
  const steps = Object.entries(functions.steps).map(([processor, target]) => ({
    id: `Step${idOf(processor)}`,
    when,
    target,
    // Takes up what the processor's webhooks have said.
    input: { task: 'Observe' },
  }))
  const reconciles = Object.entries(functions.reconciles).map(([processor, target]) => ({
    id: `Reconcile${idOf(processor)}`,
    // Each minute, although little is due then: what was asked for begins, and what was cut off goes on.
    when,
    target,
    input: { task: 'Reconcile' },
  }))
  const wakes = [
    { id: 'Sweep', when, target: functions.sweep, input: { task: 'Sweep' } },
    { id: 'Redrive', when, target: functions.redrive, input: { task: 'Redrive' } },
    ...steps,
    ...reconciles,
  ]
  for (const { id, target } of wakes) notRepeated(scope, `${id}Async`, target)
  return makeSchedules(scope, base.key, wakes, base.settled.paused)
}

// ── What people see ──────────────────────────────────────────────────────────────────────────────

function watch(
  scope: Quittance,
  stream: CfnEventSourceMapping,
  deadLetterQueues: Record<string, Queue>,
): void {
  const { base, functions } = scope
  const { authorise, intake, relay, dispatch } = functions
  const watched: Watched = {
    settled: base.settled,
    installation: base.installation,
    api: scope.api,
    tableName: base.table.name,
    indexNames: tableDefinition.indexes.map(({ name }) => name),
    functions: [authorise, intake, relay, dispatch, ...Object.values(functions.steps)],
    relay,
    streamMappingId: stream.ref,
    machineArns: mapValues(functions.machines, (machine) => machine.ref),
    deadLetterQueues,
    topicArn: base.topic.topicArn,
  }
  makeDashboard(scope, watched, makeAlarms(scope, watched))
}

function tell(scope: Quittance): void {
  const { base, api } = scope
  const output = (id: string, description: string, value: string): void => {
    new CfnOutput(scope, id, { description, value })
  }
  output('Url', 'What agents and operators reach', api.url)
  output('TableName', 'The table', base.table.name)
  output('BusName', 'The bus, for consumers of events', base.bus.ref)
  output('WorkQueueUrl', 'The work queue', base.work.queueUrl)
  output('AlertsTopic', 'Where people are told', base.topic.topicArn)
  output('PutAsideBucket', 'Records that could not be delivered', base.putAside.bucketName)
  if (scope.policies !== null) {
    const { agents, operators } = scope.policies
    output('AgentPolicyArn', 'For roles of agents', agents.managedPolicyArn)
    output('OperatorPolicyArn', 'For roles of operators', operators.managedPolicyArn)
  }
  for (const [processor, { api: secret, webhook }] of Object.entries(base.secrets)) {
    output(`SecretArn${idOf(processor)}`, `What ${processor} knows us by`, secret.secretArn)
    output(
      `WebhookSecretArn${idOf(processor)}`,
      `What ${processor} signs its webhooks with`,
      webhook.secretArn,
    )
  }
}
