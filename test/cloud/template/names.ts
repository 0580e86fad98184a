// What `Ref` and `Fn::GetAtt` give for each type of resource, on this machine. A type or an attribute
// that is not listed is refused.
// Source: AWS CloudFormation Template Reference, "Return values" of each resource type.
// Not here: random suffixes. A resource without a name of its own is called by its logical id.
export const region = 'us-east-1'
/** The account that the local queues know. */
export const accountId = '000000000000'

export interface Named {
  readonly id: string
  readonly type: string
  /** Resolved; `undefined` where the template does not set it. */
  readonly property: (key: string) => string | undefined
}

interface Names {
  readonly ref: (resource: Named, endpoint: string) => string
  readonly attributes?: Readonly<Record<string, (resource: Named, endpoint: string) => string>>
}

const arn = (service: string, rest: string): string =>
  `arn:aws:${service}:${region}:${accountId}:${rest}`
const byId: Names = { ref: ({ id }) => id }
const calledBy =
  (key: string) =>
  ({ id, property }: Named): string =>
    property(key) ?? id

const queueName = calledBy('QueueName')
const queueArn = (resource: Named): string => arn('sqs', queueName(resource))
const topicName = calledBy('TopicName')
const topicArn = (resource: Named): string => arn('sns', topicName(resource))
const bucketName = ({ id, property }: Named): string => property('BucketName') ?? id.toLowerCase()
const functionName = calledBy('FunctionName')
const roleName = calledBy('RoleName')
const tableName = calledBy('TableName')
const tableArn = (resource: Named): string => arn('dynamodb', `table/${tableName(resource)}`)
const machineName = calledBy('StateMachineName')
const machineArn = (resource: Named): string =>
  arn('states', `stateMachine:${machineName(resource)}`)
const busName = calledBy('Name')
const groupName = calledBy('LogGroupName')
const secretName = calledBy('Name')
const policyName = calledBy('ManagedPolicyName')

const rule = (resource: Named): string => {
  const bus = resource.property('EventBusName')
  return `${bus === undefined ? '' : `${bus}/`}${calledBy('Name')(resource)}`
}

/** Of each type: what a reference to it reads. */
const names: Readonly<Record<string, Names>> = {
  'AWS::SQS::Queue': {
    ref: (resource, endpoint) => `${endpoint}/${accountId}/${queueName(resource)}`,
    attributes: { Arn: queueArn, QueueName: queueName },
  },
  'AWS::SNS::Topic': { ref: topicArn, attributes: { TopicArn: topicArn, TopicName: topicName } },
  'AWS::S3::Bucket': {
    ref: bucketName,
    attributes: {
      Arn: (resource) => `arn:aws:s3:::${bucketName(resource)}`,
      RegionalDomainName: (resource) => `${bucketName(resource)}.s3.${region}.amazonaws.com`,
    },
  },
  'AWS::DynamoDB::Table': {
    ref: tableName,
    attributes: {
      Arn: tableArn,
      StreamArn: (resource) => `${tableArn(resource)}/stream/local`,
    },
  },
  'AWS::Lambda::Function': {
    ref: functionName,
    attributes: { Arn: (resource) => arn('lambda', `function:${functionName(resource)}`) },
  },
  'AWS::IAM::Role': {
    ref: roleName,
    attributes: { Arn: (resource) => `arn:aws:iam::${accountId}:role/${roleName(resource)}` },
  },
  'AWS::IAM::ManagedPolicy': {
    ref: (resource) => `arn:aws:iam::${accountId}:policy/${policyName(resource)}`,
  },
  'AWS::KMS::Key': {
    ref: ({ id }) => id,
    attributes: { Arn: ({ id }) => arn('kms', `key/${id}`) },
  },
  'AWS::Logs::LogGroup': {
    ref: groupName,
    attributes: { Arn: (resource) => arn('logs', `log-group:${groupName(resource)}:*`) },
  },
  'AWS::SecretsManager::Secret': {
    // Secrets Manager puts six letters behind the name.
    ref: (resource) => arn('secretsmanager', `secret:${secretName(resource)}-Local0`),
  },
  'AWS::StepFunctions::StateMachine': {
    ref: machineArn,
    attributes: { Arn: machineArn, Name: machineName },
  },
  'AWS::Events::EventBus': {
    ref: busName,
    attributes: {
      Arn: (resource) => arn('events', `event-bus/${busName(resource)}`),
      Name: busName,
    },
  },
  'AWS::Events::Rule': {
    ref: rule,
    attributes: { Arn: (resource) => arn('events', `rule/${rule(resource)}`) },
  },
  'AWS::Lambda::EventSourceMapping': byId,
  'AWS::Events::Archive': byId,
  'AWS::Scheduler::ScheduleGroup': {
    ref: calledBy('Name'),
    attributes: {
      Arn: (resource) => arn('scheduler', `schedule-group/${calledBy('Name')(resource)}`),
    },
  },
  'AWS::Scheduler::Schedule': byId,
  'AWS::ApiGateway::RestApi': {
    ref: ({ id }) => id,
    attributes: { RootResourceId: ({ id }) => `${id}/root` },
  },
  'AWS::ApiGateway::Resource': byId,
  'AWS::ApiGateway::Method': byId,
  'AWS::ApiGateway::Deployment': byId,
  'AWS::ApiGateway::Authorizer': byId,
  'AWS::ApiGateway::RequestValidator': byId,
  'AWS::ApiGateway::Stage': { ref: calledBy('StageName') },
  'AWS::CloudWatch::Alarm': {
    ref: ({ id }) => id,
    attributes: { Arn: ({ id }) => arn('cloudwatch', `alarm:${id}`) },
  },
}

function namesOf({ id, type }: Named): Names {
  const known = names[type]
  if (known === undefined) throw new Error(`${id} is a ${type}: not known what a Ref to it reads`)
  return known
}

export const referenceOf = (resource: Named, endpoint: string): string =>
  namesOf(resource).ref(resource, endpoint)

export function attributeOf(resource: Named, name: string, endpoint: string): string {
  const read = namesOf(resource).attributes?.[name]
  if (read === undefined) throw new Error(`${resource.id} (${resource.type}) has no ${name} here`)
  return read(resource, endpoint)
}
