// Who may do what, as the template says it: the policies of each role, of agents and operators, and
// those that resources carry. One permission is one action on one resource of one statement.
// Source: IAM User Guide, "Policy evaluation logic"; Lambda Developer Guide, "Resource-based policy".
import { asObject, asText, listOf, textsOf, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Resource, Template } from '../template/template.ts'
import { accountId } from '../template/names.ts'

export interface Permission {
  readonly holder: string
  readonly sid: string
  readonly action: string
  readonly resource: string
  /** AWS uses it on our behalf: log delivery, tracing, keys behind a service, pollers. */
  readonly isPlatform: boolean
}

export interface Principal {
  /** The role, or the managed policy that a caller of the API has. */
  readonly name: string
  readonly arn: string
  readonly policies: readonly JsonObject[]
}

/** A role, by its ARN. */
export function principalsOf(template: Template): ReadonlyMap<string, Principal> {
  const principals = template.ofType('AWS::IAM::Role').map(({ id, properties }): Principal => {
    const policies = listOf(properties['Policies']).map((each) =>
      asObject(asObject(each, id)['PolicyDocument'], id),
    )
    return {
      name: id,
      arn: `arn:aws:iam::${accountId}:role/${wordOf(properties['RoleName'] ?? id)}`,
      policies,
    }
  })
  const callers = template
    .ofType('AWS::IAM::ManagedPolicy')
    .map(({ id, properties }): Principal => ({
      name: id,
      arn: `arn:aws:iam::${accountId}:role/with-${id}`,
      policies: [asObject(properties['PolicyDocument'], id)],
    }))
  return new Map([...principals, ...callers].map((each) => [each.arn, each]))
}

export function permissionsOf({ name, policies }: Principal): readonly Permission[] {
  return policies.flatMap((policy) =>
    listOf(policy['Statement']).flatMap((each) => {
      const statement = asObject(each, name)
      if (statement['Effect'] === 'Deny') return []
      const sid = asText(statement['Sid'], `Sid of a statement of ${name}`)
      return textsOf(statement['Action'], sid).flatMap((action) =>
        textsOf(statement['Resource'], sid).map((resource) => ({
          holder: name,
          sid,
          action,
          resource,
          isPlatform: sid.startsWith('Platform'),
        })),
      )
    }),
  )
}

/** The policies that resources carry themselves, by the resource's ARN. */
export function resourcePoliciesOf(template: Template): ReadonlyMap<string, JsonObject> {
  const carried = new Map<string, JsonObject>()
  const add = (arn: string, statements: readonly Json[]): void => {
    const Statement = [...listOf(carried.get(arn)?.['Statement']), ...statements]
    carried.set(arn, { Version: '2012-10-17', Statement })
  }
  const attached: readonly (readonly [string, (resource: Resource) => readonly string[]])[] = [
    [
      'AWS::SQS::QueuePolicy',
      ({ id, properties }) => textsOf(properties['Queues'], id).map(queueArnOfUrl),
    ],
    ['AWS::SNS::TopicPolicy', ({ id, properties }) => textsOf(properties['Topics'], id)],
    [
      'AWS::S3::BucketPolicy',
      ({ id, properties }) => [`arn:aws:s3:::${asText(properties['Bucket'], id)}`],
    ],
  ]
  for (const [type, arnsOf] of attached) {
    for (const resource of template.ofType(type)) {
      const document = asObject(resource.properties['PolicyDocument'], resource.id)
      for (const arn of arnsOf(resource)) add(arn, listOf(document['Statement']))
    }
  }
  // Without its own policy's word for the account no policy of a role counts for a key.
  for (const { id, properties } of template.ofType('AWS::KMS::Key')) {
    add(keyArn(id), listOf(asObject(properties['KeyPolicy'], id)['Statement']))
  }
  for (const permission of template.ofType('AWS::Lambda::Permission')) {
    add(asText(permission.properties['FunctionName'], permission.id), [statementOf(permission)])
  }
  return carried
}

const keyArn = (id: string): string => `arn:aws:kms:us-east-1:${accountId}:key/${id}`

/** What `AddPermission` writes into the function's own policy. */
function statementOf({ id, properties }: Resource): JsonObject {
  const { Action = '', FunctionName = '', Principal = '', SourceArn, ...more } = properties
  if (Object.keys(more).length > 0) throw new Error(`${id} has ${Object.keys(more).join(', ')}`)
  return {
    Sid: id,
    Effect: 'Allow',
    Principal: { Service: Principal },
    Action,
    Resource: FunctionName,
    ...(SourceArn === undefined ? {} : { Condition: { ArnLike: { 'AWS:SourceArn': SourceArn } } }),
  }
}

export function queueArnOfUrl(url: string): string {
  const [account, name] = new URL(url).pathname.split('/').slice(1)
  if (account === undefined || name === undefined) throw new Error(`${url} is no queue's URL`)
  return `arn:aws:sqs:us-east-1:${account}:${name}`
}
