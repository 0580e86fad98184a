// The defaults of AWS and CDK that hurt, each pinned under its own name: the nine of the list first, then
// the traps after it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Key } from 'aws-cdk-lib/aws-kms'

import { keyStatements } from './key.ts'
import { listOf, nameOf, refersTo, statementsOf, World } from './testkit.ts'
import type { Resource } from './testkit.ts'

const world = new World()

interface State {
  readonly Type: string
  readonly Resource?: string
  readonly TimeoutSeconds?: number
  readonly Retry?: readonly { readonly ErrorEquals: readonly string[] }[]
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[] }[]
}

const machines = world.all('StepFunctions::StateMachine').map(({ Properties }) => ({
  definition: JSON.parse(Properties['DefinitionString']) as {
    TimeoutSeconds?: number
    States: Record<string, State>
  },
}))
const tasks = machines.flatMap(({ definition }) =>
  Object.entries(definition.States).filter(([, { Type }]) => Type === 'Task'),
)

const timeoutOf = (name: string): number =>
  world.one('Lambda::Function', name).Properties['Timeout'] as number

describe('the nine', () => {
  test('1. no step is retried on an error that leaves the outcome unknown to nobody but us', () => {
    assert.notEqual(tasks.length, 0)
    for (const [name, { Resource, Retry = [] }] of tasks) {
      assert.equal(
        Resource,
        '${StepFunctionArn}',
        `${name} is no LambdaInvoke with its six retries`,
      )
      const errors = Retry.flatMap(({ ErrorEquals }) => ErrorEquals)
      for (const all of ['States.ALL', 'States.TaskFailed']) {
        assert.ok(!errors.includes(all), `${name} retries on ${all}`)
      }
    }
  })

  test('2. every task has a timeout, and every machine', () => {
    for (const { definition } of machines) assert.ok(definition.TimeoutSeconds, 'the machine')
    for (const [name, { TimeoutSeconds }] of tasks) assert.ok(TimeoutSeconds, name)
  })

  test('3. the authoriser keeps no verdict', () => {
    const [authoriser] = world.all('ApiGateway::Authorizer')
    assert.equal(authoriser?.Properties['AuthorizerResultTtlInSeconds'], 0)
    assert.equal(authoriser?.Properties['Type'], 'REQUEST')
    assert.equal(authoriser?.Properties['IdentitySource'], 'method.request.header.Authorization')
  })

  test('4. the stream: from its beginning, retries that end, halves, partial failures, put aside', () => {
    const { Properties: source } = world.one('Lambda::EventSourceMapping', 'ReadStream')
    assert.equal(source['StartingPosition'], 'TRIM_HORIZON')
    assert.ok(source['MaximumRetryAttempts'] >= 1 && source['MaximumRetryAttempts'] <= 10)
    assert.ok(
      source['MaximumRecordAgeInSeconds'] > 0 && source['MaximumRecordAgeInSeconds'] < 86_400,
    )
    assert.equal(source['BisectBatchOnFunctionError'], true)
    assert.deepEqual(source['FunctionResponseTypes'], ['ReportBatchItemFailures'])
    const [bucket] = refersTo(source['DestinationConfig'])
    assert.equal(typeOf(bucket), 'AWS::S3::Bucket', 'a queue would get no record, only its place')
    assert.equal(source['FilterCriteria'].Filters.length, 1)
    assert.equal(source['ParallelizationFactor'], 1, 'else events of a payment overtake each other')
  })

  test('5. the work queue: one bad message does not bring the others back', () => {
    const { Properties: source } = world.one('Lambda::EventSourceMapping', 'TakeWork')
    assert.deepEqual(source['FunctionResponseTypes'], ['ReportBatchItemFailures'])
    assert.ok(source['ScalingConfig'].MaximumConcurrency >= 2)
  })

  test('6. every rule target and every schedule has a dead-letter queue', () => {
    const targets = [
      ...world.all('Events::Rule').flatMap(({ Properties }) => Properties['Targets']),
      ...world.all('Scheduler::Schedule').map(({ Properties }) => Properties['Target']),
    ]
    assert.ok(targets.length >= 5)
    for (const { DeadLetterConfig } of targets) {
      assert.equal(typeOf(refersTo(DeadLetterConfig)[0]), 'AWS::SQS::Queue')
    }
  })

  test('6. every queue that is worked off has a dead-letter queue', () => {
    const sources = world
      .all('Lambda::EventSourceMapping')
      .flatMap(({ Properties }) => refersTo(Properties['EventSourceArn']))
      .filter((id) => typeOf(id) === 'AWS::SQS::Queue')
    assert.equal(sources.length, 1)
    for (const id of sources) {
      const { maxReceiveCount, deadLetterTargetArn } = byId(id).Properties['RedrivePolicy']
      assert.ok(maxReceiveCount >= 3)
      assert.equal(typeOf(refersTo(deadLetterTargetArn)[0]), 'AWS::SQS::Queue')
    }
  })

  test('7. the table: point-in-time recovery, no deletion, our own key', () => {
    const [table] = world.all('DynamoDB::Table')
    assert.equal(
      table?.Properties['PointInTimeRecoverySpecification'].PointInTimeRecoveryEnabled,
      true,
    )
    assert.equal(table?.Properties['DeletionProtectionEnabled'], true)
    assert.equal(table?.DeletionPolicy, 'Retain')
    assert.equal(table?.UpdateReplacePolicy, 'Retain')
    assert.equal(table?.Properties['SSESpecification'].SSEType, 'KMS')
    assert.equal(
      typeOf(refersTo(table?.Properties['SSESpecification'].KMSMasterKeyId)[0]),
      'AWS::KMS::Key',
    )
    assert.deepEqual(table?.Properties['StreamSpecification'], { StreamViewType: 'NEW_IMAGE' })
  })

  test('8. every log group expires, those too that services make by themselves', () => {
    for (const { id, Properties } of world.all('Logs::LogGroup')) {
      assert.ok(Properties['RetentionInDays'] > 0, id)
    }
    for (const { id, Properties } of world.all('Lambda::Function')) {
      assert.equal(typeOf(refersTo(Properties['LoggingConfig'])[0]), 'AWS::Logs::LogGroup', id)
    }
    const names = world.all('Logs::LogGroup').map(({ Properties }) => Properties['LogGroupName'])
    assert.ok(JSON.stringify(names).includes('API-Gateway-Execution-Logs_'))
    const [stage] = world.all('ApiGateway::Stage')
    assert.ok(
      stage?.DependsOn?.some((id) => id.includes('ExecutionLogs')),
      'made before the stage',
    )
  })

  test('9. call and commits < step function < its task; none has the default of three seconds', () => {
    const callSeconds = 10
    for (const name of ['StepNorth', 'StepSouth']) {
      assert.ok(timeoutOf(name) >= callSeconds + 10, 'a call and the commits around it')
      for (const [task, { TimeoutSeconds = 0 }] of tasks) {
        assert.ok(TimeoutSeconds > timeoutOf(name), `${task} ends before its function`)
      }
    }
    assert.ok(timeoutOf('Intake') < 29, 'the gateway gives up after 29 s')
    for (const { id, Properties } of world.all('Lambda::Function')) {
      assert.ok(Properties['Timeout'] >= 10, id)
    }
  })
})

describe('and the traps after them', () => {
  test('a message is hidden for six times as long as dispatch may take', () => {
    const visibility = world.one('SQS::Queue', 'Work').Properties['VisibilityTimeout'] as number
    assert.ok(visibility >= 6 * timeoutOf('Dispatch'))
  })

  test('what is dead is kept for as long as SQS can', () => {
    const dead = world.all('SQS::Queue').filter(({ id }) => /(Dlq|DeadLetters)$/.test(nameOf(id)))
    assert.ok(dead.length >= 7)
    for (const { id, Properties } of dead) {
      assert.equal(Properties['MessageRetentionPeriod'], 14 * 86_400, id)
    }
  })

  test('a function that is invoked asynchronously is not repeated for six hours in silence', () => {
    const asynchronous = [
      ...world.all('Scheduler::Schedule').map(({ Properties }) => Properties['Target'].Arn),
      ...world
        .all('Events::Rule')
        .flatMap(({ Properties }) =>
          (Properties['Targets'] as { Arn: unknown }[]).map(({ Arn }) => Arn),
        ),
    ]
      .flatMap(refersTo)
      .filter((id) => typeOf(id) === 'AWS::Lambda::Function')
    const configured = world.all('Lambda::EventInvokeConfig')
    for (const id of new Set(asynchronous)) {
      const config = configured.find(({ Properties }) =>
        refersTo(Properties['FunctionName']).includes(id),
      )
      assert.ok(config, `${id} keeps the default of Lambda`)
      const { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } =
        config.Properties
      assert.ok(MaximumEventAgeInSeconds <= 3600)
      // Nothing is lost: the clock comes again, or a queue keeps it.
      assert.ok(MaximumRetryAttempts === 0 || DestinationConfig.OnFailure !== undefined, id)
    }
  })

  test('step, relay and dispatch have executions of their own, intake a ceiling', () => {
    for (const name of ['StepNorth', 'StepSouth', 'Relay', 'Dispatch', 'Intake']) {
      const { Properties } = world.one('Lambda::Function', name)
      assert.ok(Properties['ReservedConcurrentExecutions'] > 0, name)
    }
    const all = world
      .all('Lambda::Function')
      .reduce((sum, { Properties }) => sum + (Properties['ReservedConcurrentExecutions'] ?? 0), 0)
    assert.ok(all <= 900, 'an account keeps 100 of its 1,000 unreserved')
    const { MaximumConcurrency } = world.one('Lambda::EventSourceMapping', 'TakeWork').Properties[
      'ScalingConfig'
    ]
    const dispatch = world.one('Lambda::Function', 'Dispatch').Properties
    assert.ok(MaximumConcurrency <= dispatch['ReservedConcurrentExecutions'])
  })

  test('functions are nodejs24.x on arm64', () => {
    for (const { id, Properties } of world.all('Lambda::Function')) {
      assert.equal(Properties['Runtime'], 'nodejs24.x', id)
      assert.deepEqual(Properties['Architectures'], ['arm64'], id)
    }
  })

  test('everything at rest is encrypted with the key', () => {
    const places: readonly (readonly [string, (resource: Resource) => unknown])[] = [
      ['DynamoDB::Table', ({ Properties }) => Properties['SSESpecification'].KMSMasterKeyId],
      ['SQS::Queue', ({ Properties }) => Properties['KmsMasterKeyId']],
      ['SNS::Topic', ({ Properties }) => Properties['KmsMasterKeyId']],
      ['S3::Bucket', ({ Properties }) => Properties['BucketEncryption']],
      ['Logs::LogGroup', ({ Properties }) => Properties['KmsKeyId']],
      ['SecretsManager::Secret', ({ Properties }) => Properties['KmsKeyId']],
      ['Events::EventBus', ({ Properties }) => Properties['KmsKeyIdentifier']],
      ['Events::Archive', ({ Properties }) => Properties['KmsKeyIdentifier']],
      ['StepFunctions::StateMachine', ({ Properties }) => Properties['EncryptionConfiguration']],
      ['Scheduler::Schedule', ({ Properties }) => Properties['KmsKeyArn']],
    ]
    for (const [type, keyOf] of places) {
      assert.notEqual(world.all(type).length, 0, type)
      for (const resource of world.all(type)) {
        const [key] = refersTo(keyOf(resource))
        assert.equal(typeOf(key), 'AWS::KMS::Key', resource.id)
      }
    }
  })

  test('a key that is given is used for all of it, and what it must allow can be read', () => {
    const arn = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555'
    const given = new World((stack) => ({ encryptionKey: Key.fromKeyArn(stack, 'Given', arn) }))
    assert.equal(given.all('KMS::Key').length, 0)
    for (const { id, Properties } of given.all('SQS::Queue')) {
      assert.equal(Properties['KmsMasterKeyId'], arn, id)
    }
    assert.deepEqual(
      keyStatements(given.stack).map(({ sid }) => sid),
      ['Events', 'CloudWatchAlarms', 'Logs', 'LogDelivery'],
    )
  })

  test('the key lets the services in that read and write for us, and for this account only', () => {
    const [key] = world.all('KMS::Key')
    assert.equal(key?.Properties['EnableKeyRotation'], true)
    assert.equal(key?.DeletionPolicy, 'Retain')
    const statements = (key?.Properties['KeyPolicy'].Statement ?? []) as {
      Principal: { Service?: unknown }
      Condition?: unknown
    }[]
    const services = statements.filter(({ Principal }) => Principal.Service !== undefined)
    assert.deepEqual(
      services.map(({ Principal }) => JSON.stringify(Principal.Service)).toSorted(),
      [
        '"cloudwatch.amazonaws.com"',
        '"delivery.logs.amazonaws.com"',
        '"events.amazonaws.com"',
        '{"Fn::Join":["",["logs.",{"Ref":"AWS::Region"},".amazonaws.com"]]}',
      ],
    )
    for (const { Condition } of services) {
      assert.ok(JSON.stringify(Condition).includes('AWS::AccountId'))
    }
  })

  test('queues, topic and bucket refuse what does not come over TLS', () => {
    for (const type of ['SQS::Queue', 'SNS::Topic', 'S3::Bucket']) {
      const policies = world.all(`${type.split('::')[0]}::${type.split('::')[1]}Policy`)
      for (const { id } of world.all(type)) {
        const policy = policies.find(({ Properties }) =>
          refersTo(Properties['Queues'] ?? Properties['Topics'] ?? Properties['Bucket']).includes(
            id,
          ),
        )
        const denied = listOf(policy?.Properties['PolicyDocument'].Statement ?? []).filter(
          ({ Effect }: { Effect: string }) => Effect === 'Deny',
        )
        assert.ok(JSON.stringify(denied).includes('aws:SecureTransport'), id)
      }
    }
  })

  test('the function that parks publishes at once: no alarm on queue depth has to be waited for', () => {
    const publishes = (name: string): boolean =>
      statementsOf(world.one('IAM::Role', name)).some(({ Sid }) => Sid === 'Alerts')
    // Only a step parks; of everything else the bus tells, or the next sweep.
    for (const name of ['StepNorthRole', 'AlertsOfEventsRole', 'SweepRole']) {
      assert.ok(publishes(name), name)
    }
    for (const name of ['IntakeRole', 'RedriveRole', 'RelayRole']) assert.ok(!publishes(name), name)
  })

  test('machines have names, so that who starts them can be told before they are made', () => {
    const names = world
      .all('StepFunctions::StateMachine')
      .map(({ Properties }) => Properties['StateMachineName'])
    assert.deepEqual(names, ['Test-north-standard', 'Test-south-standard'])
  })

  test('Express has machines of other names: a machine cannot change its kind', () => {
    const express = new World({ workflow: 'express' })
    for (const { Properties } of express.all('StepFunctions::StateMachine')) {
      assert.equal(Properties['StateMachineType'], 'EXPRESS')
      assert.match(Properties['StateMachineName'], /-express$/)
    }
  })
})

function byId(id: string): Resource {
  const found = world.all().find((each) => each.id === id)
  assert.ok(found, id)
  return found
}

function typeOf(id: string | undefined): string {
  return id === undefined ? 'nothing' : byId(id).Type
}
