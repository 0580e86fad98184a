// A small system for the tests of the local run itself: a door, a function behind it that writes a
// row, the stream that tells another function, which sends an event and a message; a machine, a
// schedule. What is wrong here is wrong in the run, not in what it runs.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { JsonObject } from './json.ts'
import { startWorld } from './world.ts'
import type { World } from './world.ts'

/** Functions of the small system speak to AWS without an SDK, in the same form. */
const speaking = `
const ask = async (service, target, body) => {
  const response = await fetch(process.env.AWS_ENDPOINT_URL, {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=' + process.env.AWS_ACCESS_KEY_ID +
        '/20260101/us-east-1/' + service + '/aws4_request, SignedHeaders=host, Signature=x',
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
    },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(answer.message), { name: answer.__type })
  return answer
}
`

const bundles: Readonly<Record<string, string>> = {
  door: `
export const handler = async (event) => {
  const key = { pk: { S: event.pathParameters?.id ?? 'none' }, sk: { S: 'row' } }
  const body = event.body === null ? {} : JSON.parse(event.body)
  if (body.exit) process.exit(1)
  if (body.sleepMs) await new Promise((done) => setTimeout(done, body.sleepMs))
  if (body.table) await ask('dynamodb', 'DynamoDB_20120810.PutItem', { TableName: body.table, Item: key })
  else await ask('dynamodb', 'DynamoDB_20120810.TransactWriteItems', {
    TransactItems: [{ Put: { TableName: process.env.TABLE, Item: key } }] })
  return { statusCode: 201, headers: { 'x-from': 'door' },
    body: JSON.stringify({ who: event.requestContext.authorizer?.principalId ?? null }) }
}`,
  gate: `
export const handler = async (event) => {
  const name = event.headers.authorization
  if (name === 'broken') throw new TypeError('broken')
  return { principalId: name, policyDocument: { Version: '2012-10-17', Statement: [{
    Action: 'execute-api:Invoke', Effect: 'Allow',
    Resource: event.methodArn.replace(/things.*$/, name === 'ann' ? '*' : 'nothing') }] } }
}`,
  relay: `
export const handler = async ({ Records }) => {
  const batchItemFailures = []
  for (const { dynamodb: { Keys, SequenceNumber } } of Records) {
    const id = Keys.pk.S
    if (id === 'poison') throw new Error('I cannot bear it')
    if (id === 'later') { batchItemFailures.push({ itemIdentifier: SequenceNumber }); break }
    await ask('events', 'AWSEvents.PutEvents', { Entries: [{ EventBusName: process.env.BUS,
      Source: 'small', DetailType: 'thing.made', Detail: JSON.stringify({ id }) }] })
    await ask('sqs', 'AmazonSQS.SendMessage', { QueueUrl: process.env.QUEUE, MessageBody: id })
  }
  return { batchItemFailures }
}`,
  worker: `
export const handler = async (event) => {
  for (const record of event.Records ?? [])
    await ask('states', 'AWSStepFunctions.StartExecution', { stateMachineArn: process.env.MACHINE,
      name: record.body, input: JSON.stringify({ id: record.body }) })
  return {}
}`,
  step: `
export const handler = async ({ task, id }) => {
  if (task === 'Second' && id === 'waits' && !globalThis.waited) {
    globalThis.waited = true
    const error = new Error(new Date(Date.now() + 30_000).toISOString())
    error.name = 'NotYet'
    throw error
  }
  console.log(task, id)
  return {}
}`,
}

const attribute = (id: string, name = 'Arn'): JsonObject => ({ 'Fn::GetAtt': [id, name] })
const reference = (id: string): JsonObject => ({ Ref: id })

function lambda(name: string, env: JsonObject = {}): JsonObject {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: 'local', S3Key: `${name}.zip` },
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Timeout: 3,
      MemorySize: 256,
      Role: attribute(`${name}Role`),
      Environment: { Variables: env },
    },
    Metadata: { 'aws:asset:path': name },
  }
}

function role(
  ...statements: readonly (readonly [string, string, JsonObject | string])[]
): JsonObject {
  const Statement = statements.map(([Sid, Action, Resource]) => ({
    Sid,
    Effect: 'Allow',
    Action: Action.split(' '),
    Resource,
  }))
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {},
      Policies: [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement } }],
    },
  }
}

const permission = (functionId: string, service: string, SourceArn: JsonObject): JsonObject => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: attribute(functionId),
    Principal: `${service}.amazonaws.com`,
    SourceArn,
  },
})

const joined = (...parts: readonly (string | JsonObject)[]): JsonObject => ({
  'Fn::Join': ['', parts],
})
const uri = (functionId: string): JsonObject =>
  joined(
    'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/',
    attribute(functionId),
    '/invocations',
  )

const execution = (rest: string): JsonObject =>
  joined('arn:aws:execute-api:us-east-1:', reference('AWS::AccountId'), ':', reference('api'), rest)

const gatewayResponse = (type: string, status: string): JsonObject => ({
  Type: 'AWS::ApiGateway::GatewayResponse',
  Properties: {
    RestApiId: reference('api'),
    ResponseType: type,
    StatusCode: status,
    ResponseTemplates: { 'application/json': `{"code":"${type.toLowerCase()}"}` },
    ResponseParameters: {
      'gatewayresponse.header.content-type': "'application/problem+json'",
      'gatewayresponse.header.request-id': 'context.requestId',
    },
  },
})

const method = (verb: string, more: JsonObject): JsonObject => ({
  Type: 'AWS::ApiGateway::Method',
  Properties: {
    HttpMethod: verb,
    ResourceId: reference('thing'),
    RestApiId: reference('api'),
    Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri: uri('door') },
    ...more,
  },
})

const definition = JSON.stringify({
  StartAt: 'First',
  States: {
    First: {
      Type: 'Task',
      Resource: '${Step}',
      Parameters: { task: 'First', 'id.$': '$.id' },
      ResultPath: null,
      TimeoutSeconds: 10,
      Next: 'Second',
    },
    Second: {
      Type: 'Task',
      Resource: '${Step}',
      Parameters: { task: 'Second', 'id.$': '$.id' },
      ResultPath: null,
      TimeoutSeconds: 10,
      Catch: [{ ErrorEquals: ['NotYet'], ResultPath: '$.error', Next: 'Until' }],
      End: true,
    },
    Until: {
      Type: 'Pass',
      Parameters: { 'id.$': '$.id', 'error.$': 'States.StringToJson($.error.Cause)' },
      Next: 'Wait',
    },
    Wait: { Type: 'Wait', TimestampPath: '$.error.errorMessage', Next: 'Second' },
  },
})

const smallTemplate: JsonObject = {
  Resources: {
    table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        AttributeDefinitions: ['pk', 'sk'].map((name) => ({
          AttributeName: name,
          AttributeType: 'S',
        })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      },
    },
    dlq: { Type: 'AWS::SQS::Queue', Properties: {} },
    work: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        VisibilityTimeout: 18,
        RedrivePolicy: { deadLetterTargetArn: attribute('dlq'), maxReceiveCount: 2 },
      },
    },
    made: { Type: 'AWS::SQS::Queue', Properties: {} },
    madePolicy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: {
        Queues: [reference('made')],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Rule',
              Effect: 'Allow',
              Principal: { Service: 'events.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: attribute('made'),
              Condition: { ArnEquals: { 'aws:SourceArn': attribute('rule') } },
            },
          ],
        },
      },
    },
    aside: { Type: 'AWS::S3::Bucket', Properties: {} },
    bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'small' } },
    rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventBusName: reference('bus'),
        EventPattern: { source: ['small'] },
        Targets: [
          { Id: 'queue', Arn: attribute('made'), DeadLetterConfig: { Arn: attribute('dlq') } },
        ],
      },
    },
    door: lambda('door', { TABLE: reference('table') }),
    doorRole: role(['Rows', 'dynamodb:PutItem dynamodb:DeleteItem', attribute('table')]),
    doorMay: permission('door', 'apigateway', execution('/*/*/*')),
    gate: lambda('gate'),
    gateRole: role(),
    gateMay: permission('gate', 'apigateway', execution('/authorizers/authoriser')),
    relay: lambda('relay', { BUS: reference('bus'), QUEUE: reference('work') }),
    relayRole: role(
      ['Events', 'events:PutEvents', attribute('bus')],
      ['Work', 'sqs:SendMessage', attribute('work')],
      [
        'PlatformStream',
        'dynamodb:DescribeStream dynamodb:GetShardIterator dynamodb:GetRecords',
        attribute('table', 'StreamArn'),
      ],
      ['PlatformAside', 's3:PutObject', joined(attribute('aside'), '/*')],
      ['PlatformBucket', 's3:ListBucket', attribute('aside')],
    ),
    worker: lambda('worker', { MACHINE: reference('machine') }),
    workerRole: role(
      ['Start', 'states:StartExecution', reference('machine')],
      ['PlatformQueue', 'sqs:ReceiveMessage sqs:DeleteMessage', attribute('work')],
    ),
    step: lambda('step'),
    stepRole: role(),
    machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: 'small',
        StateMachineType: 'STANDARD',
        DefinitionString: definition,
        DefinitionSubstitutions: { Step: attribute('step') },
        RoleArn: attribute('machineRole'),
      },
    },
    machineRole: role(['Invoke', 'lambda:InvokeFunction', attribute('step')]),
    wake: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        FlexibleTimeWindow: { Mode: 'OFF' },
        ScheduleExpression: 'rate(1 minute)',
        Target: {
          Arn: attribute('worker'),
          RoleArn: attribute('wakeRole'),
          Input: '{}',
          DeadLetterConfig: { Arn: attribute('dlq') },
          RetryPolicy: { MaximumRetryAttempts: 1 },
        },
      },
    },
    wakeRole: role(
      ['Invoke', 'lambda:InvokeFunction', attribute('worker')],
      ['NotWoken', 'sqs:SendMessage', attribute('dlq')],
    ),
    takeWork: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: attribute('work'),
        FunctionName: reference('worker'),
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
    readStream: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: attribute('table', 'StreamArn'),
        FunctionName: reference('relay'),
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: 1,
        StartingPosition: 'TRIM_HORIZON',
        FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
        DestinationConfig: { OnFailure: { Destination: attribute('aside') } },
      },
    },
    api: { Type: 'AWS::ApiGateway::RestApi', Properties: {} },
    stage: {
      Type: 'AWS::ApiGateway::Stage',
      Properties: { RestApiId: reference('api'), StageName: 'main', DeploymentId: 'x' },
    },
    things: {
      Type: 'AWS::ApiGateway::Resource',
      Properties: {
        ParentId: attribute('api', 'RootResourceId'),
        PathPart: 'things',
        RestApiId: reference('api'),
      },
    },
    thing: {
      Type: 'AWS::ApiGateway::Resource',
      Properties: { ParentId: reference('things'), PathPart: '{id}', RestApiId: reference('api') },
    },
    authoriser: {
      Type: 'AWS::ApiGateway::Authorizer',
      Properties: {
        AuthorizerResultTtlInSeconds: 0,
        AuthorizerUri: uri('gate'),
        IdentitySource: 'method.request.header.Authorization',
        RestApiId: reference('api'),
        Type: 'REQUEST',
      },
    },
    validator: {
      Type: 'AWS::ApiGateway::RequestValidator',
      Properties: { RestApiId: reference('api'), ValidateRequestParameters: true },
    },
    post: method('POST', {
      AuthorizationType: 'CUSTOM',
      AuthorizerId: reference('authoriser'),
      RequestParameters: { 'method.request.header.Idempotency-Key': true },
      RequestValidatorId: reference('validator'),
    }),
    put: method('PUT', { AuthorizationType: 'AWS_IAM' }),
    agents: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Puts',
              Effect: 'Allow',
              Action: 'execute-api:Invoke',
              Resource: execution('/main/PUT/things/*'),
            },
          ],
        },
      },
    },
    visitors: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Gets',
              Effect: 'Allow',
              Action: 'execute-api:Invoke',
              Resource: execution('/main/GET/*'),
            },
          ],
        },
      },
    },
    unauthorized: gatewayResponse('UNAUTHORIZED', '401'),
    denied: gatewayResponse('ACCESS_DENIED', '403'),
    noKey: gatewayResponse('BAD_REQUEST_PARAMETERS', '400'),
    unknown: gatewayResponse('MISSING_AUTHENTICATION_TOKEN', '404'),
    broken: gatewayResponse('DEFAULT_5XX', '503'),
  },
}

/** Writes the small system as `cdk synth` would, and starts it. */
export async function startSmallWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-cloud-'))
  for (const [name, code] of Object.entries(bundles)) {
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'index.mjs'), speaking + code)
  }
  const templateFile = join(folder, 'small.template.json')
  await writeFile(templateFile, JSON.stringify(smallTemplate))
  const world = await startWorld({ templateFile, parameters: {}, secrets: {} })
  return {
    ...world,
    stop: async () => {
      await world.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
