// Every place where a policy says `*`, by the Sid of its statement, and why AWS leaves no choice. A
// statement that is not listed stops the synth.
import { Stack, Validations } from 'aws-cdk-lib'
import { CfnManagedPolicy, CfnRole } from 'aws-cdk-lib/aws-iam'
import type { IConstruct } from 'constructs'

export const wildcardReasons: Readonly<Record<string, string>> = {
  PlatformLogs: 'Lambda names the log streams, a new one for each instance, within this one group.',
  PlatformTracing: 'X-Ray knows no resources for these actions.',
  PlatformVpc: 'Lambda makes the network interfaces; their ids are not known before.',
  PlatformStreams:
    'Lambda asks for dynamodb:ListStreams before it makes a mapping, and the action knows no resource.',
  Checkpoints:
    'An object for each run, named by its id, below a prefix of its own in this one bucket.',
  PlatformPutAside: 'Lambda names the objects, below a prefix of its own in this one bucket.',
  PlatformLogDelivery:
    'The actions of log delivery know no resource; Step Functions needs them all.',
  TheirRoutes: 'The star stands for the id in a path; the method and the rest of it are exact.',
  NotTheirs: 'The same, refused: routes of others that a star of TheirRoutes would reach.',
}

interface Statement {
  readonly Sid?: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

/** cdk-nag (AwsSolutions-IAM5) finds each of them; here each is acknowledged with its reason. */
export function acknowledgeWildcards(scope: IConstruct): void {
  for (const each of scope.node.findAll()) {
    if (!(each instanceof CfnRole || each instanceof CfnManagedPolicy)) continue
    for (const { Sid, Resource } of statementsOf(each)) {
      for (const resource of listOf(Resource)
        .map(flat)
        .filter((text) => text.includes('*'))) {
        const reason = wildcardReasons[Sid ?? '']
        if (reason === undefined) throw new Error(`${each.node.path}: ${resource} has no reason.`)
        Validations.of(each).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason })
      }
    }
  }
}

function statementsOf(policy: CfnRole | CfnManagedPolicy): readonly Statement[] {
  const documents: unknown[] =
    policy instanceof CfnManagedPolicy
      ? [policy.policyDocument]
      : listOf(Stack.of(policy).resolve(policy.policies)).map(
          (each) => (each as { policyDocument: unknown }).policyDocument,
        )
  return documents.flatMap((document) => {
    const resolved = Stack.of(policy).resolve(document) as { Statement?: Statement[] } | undefined
    return resolved?.Statement ?? []
  })
}

// As cdk-nag writes what is known only at deployment: `<Id>` and `<Id.Attribute>`.
function flat(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const [[name, value] = ['', '']] = Object.entries(resource as Record<string, unknown>)
  if (name === 'Ref') return `<${String(value)}>`
  if (name === 'Fn::GetAtt') return `<${(value as string[]).join('.')}>`
  if (name === 'Fn::Join') {
    const [separator, parts] = value as [string, unknown[]]
    return parts.map(flat).join(separator)
  }
  return JSON.stringify(resource)
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]
