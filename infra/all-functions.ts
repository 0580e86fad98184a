// Each function with its numbers, its settings and its role.
import { Stack } from 'aws-cdk-lib'
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda'
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'

import type { Base } from './base.ts'
import type { FunctionName } from './bundle.ts'
import { makeFunction } from './functions.ts'
import type { FunctionProps } from './functions.ts'
import * as roles from './roles.ts'
import { environmentOf } from './settings.ts'
import type { Given } from './settings.ts'
import { dispatchTimeoutSeconds, idOf, makeMachine } from './work.ts'

export interface Functions {
  readonly authorise: Lambda
  readonly intake: Lambda
  readonly relay: Lambda
  readonly dispatch: Lambda
  readonly sweep: Lambda
  readonly redrive: Lambda
  readonly alerts: Lambda
  /** By processor. */
  readonly steps: Readonly<Record<string, Lambda>>
  readonly reconciles: Readonly<Record<string, Lambda>>
  readonly machines: Readonly<Record<string, CfnStateMachine>>
}

/** Half a CPU or so; a function that waits for the network needs no more. */
const memoryMb = 512

/** More CPU for the one cold start that an agent waits for. */
const intakeMemoryMb = 1024

/** `Prefer: wait` ends after 5 s here, and the gateway gives up after 29 s. */
const intakeTimeoutSeconds = 20

/** Above a call to the processor (10 s) and the commits around it, below the Task's timeout (40 s). */
const stepTimeoutSeconds = 30

/** The next one starts after a minute. */
const sweepTimeoutSeconds = 50

/** As long as Lambda lets it; what is not done by then goes on in the next one. */
const reconcileTimeoutSeconds = 900

/** Sorting is work, and the index of a million records is half a gigabyte on its way to S3 and back. */
const reconcileMemoryMb = 1024
const reconcileDiskMb = 4096

export function makeFunctions(scope: Construct, base: Base): Functions {
  const { settled } = base
  const { limits } = settled
  const parts = roles.partsOf(base)
  const make = maker(scope, base)
  const steps = mapValues(base.secrets, ({ api }, processor) =>
    make('step', `Step${idOf(processor)}`, {
      purpose: `Calls ${processor}, for one task of one payment`,
      timeoutSeconds: stepTimeoutSeconds,
      concurrency: limits.step,
      statements: roles.stepMay(parts, api),
      given: { processor, processorSecretArn: api.secretArn },
    }),
  )
  const machines = mapValues(steps, (step, processor) =>
    makeMachine(scope, { ...base, processor, step, workflow: settled.workflow }),
  )
  const reconciles = mapValues(base.secrets, ({ api }, processor) =>
    make('reconcile', `Reconcile${idOf(processor)}`, {
      purpose: `Compares our payments with the records of ${processor}`,
      timeoutSeconds: reconcileTimeoutSeconds,
      memoryMb: reconcileMemoryMb,
      diskMb: reconcileDiskMb,
      // Twins would find the same twice over; the second one is not begun.
      concurrency: 1,
      statements: roles.reconcileMay(parts, api, base.putAside),
      given: {
        processor,
        processorSecretArn: api.secretArn,
        checkpointHost: base.putAside.bucketRegionalDomainName,
      },
    }),
  )
  return { ...makeOthers(base, make, parts, machines), steps, reconciles, machines }
}

function makeOthers(
  base: Base,
  make: ReturnType<typeof maker>,
  parts: roles.Parts,
  machines: Functions['machines'],
): Omit<Functions, 'steps' | 'reconciles' | 'machines'> {
  const { limits } = base.settled
  const webhooks = mapValues(base.secrets, ({ webhook }) => webhook)
  return {
    authorise: make('authorise', 'Authorise', {
      purpose: 'Says who asks, and whether they may use this route',
      timeoutSeconds: 10,
      statements: roles.authoriseMay(parts),
    }),
    intake: make('intake', 'Intake', {
      purpose: 'Claims, replays and answers',
      timeoutSeconds: intakeTimeoutSeconds,
      memoryMb: intakeMemoryMb,
      concurrency: limits.intake,
      statements: roles.intakeMay(parts, Object.values(webhooks)),
      given: { webhookSecretArns: mapValues(webhooks, ({ secretArn }) => secretArn) },
    }),
    relay: make('relay', 'Relay', {
      purpose: 'Takes new events from the table to the bus and to the work queue',
      timeoutSeconds: 30,
      concurrency: limits.relay,
      statements: roles.relayMay(parts, base.putAside),
    }),
    dispatch: make('dispatch', 'Dispatch', {
      purpose: 'Starts runs',
      timeoutSeconds: dispatchTimeoutSeconds,
      concurrency: limits.dispatch,
      statements: roles.dispatchMay(parts, Object.values(machines)),
      given: { stateMachines: mapValues(machines, (machine) => machine.ref) },
    }),
    sweep: make('sweep', 'Sweep', {
      purpose: 'Finds what is due, what is not delivered, and what has waited too long',
      timeoutSeconds: sweepTimeoutSeconds,
      statements: roles.sweepMay(parts),
    }),
    redrive: make('redrive', 'Redrive', {
      purpose: 'Takes dead letters up again once their processor is back',
      timeoutSeconds: sweepTimeoutSeconds,
      statements: roles.redriveMay(parts),
    }),
    alerts: make('alerts', 'AlertsOfEvents', {
      purpose: 'Tells people within seconds what an event means for them',
      timeoutSeconds: 30,
      statements: roles.alertsMay(parts, base.notTold.queueArn),
    }),
  }
}

interface Wanted extends Omit<FunctionProps, 'asset' | 'environment' | 'memoryMb'> {
  readonly memoryMb?: number
  readonly given?: Partial<Given>
}

function maker(scope: Construct, base: Base) {
  const stack = Stack.of(scope)
  const { key, logRetention, settled, installation } = base
  return (name: FunctionName, id: string, { given, ...wanted }: Wanted): Lambda => {
    const environment = environmentOf(name, {
      stack,
      settled,
      installation,
      tableName: base.table.name,
      topicArn: base.topic.topicArn,
      busName: base.bus.ref,
      workQueueUrl: base.work.queueUrl,
      ...given,
    })
    const props = { memoryMb, ...wanted, asset: name, environment }
    return makeFunction(scope, id, props, { key, logRetention, vpc: settled.vpc })
  }
}

export function mapValues<From, To>(
  from: Readonly<Record<string, From>>,
  make: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, make(value, name)]))
}
