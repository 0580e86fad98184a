// Makes docs/reference/aws-permissions.md of the synthesised template: `npm run permissions`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { listOf, nameOf, statementsOf, World } from './testkit.ts'
import type { Resource, Statement } from './testkit.ts'
import { wildcardReasons } from './wildcards.ts'

export const pagePath = join(import.meta.dirname, '../docs/reference/aws-permissions.md')

const head = `# Who may do what on AWS

Made from the synthesised template by \`npm run permissions --workspace infra\`, and compared with it on
every test run. One processor is shown, \`simulated\`; each further one has a step function, a machine and
secrets of its own, with the same statements.

- One role per function. Every action is written out; CDK adds none and no policy of AWS is attached, but
  for [one](#what-aws-forces).
- A transaction in DynamoDB has no action of its own: each item in it is checked as \`PutItem\`,
  \`UpdateItem\`, \`DeleteItem\` or \`ConditionCheckItem\`.
- A statement whose name begins with \`Platform\` is used by AWS on our behalf: a poller, a service that
  encrypts, the delivery of logs. Our code never makes such a call.
- \`Table\`, \`Work\` and so on are the names of resources in the stack.
`

const forced = `## What AWS forces

Wherever a policy says \`*\`, AWS leaves no choice:

${Object.entries(wildcardReasons)
  .map(([sid, reason]) => `- \`${sid}\`: ${reason}`)
  .join('\n')}
- In the key's policy \`*\` is the key itself.
- \`ApiCloudWatchRole\` has \`AmazonAPIGatewayPushToCloudWatchLogs\`, a policy of AWS: API Gateway refuses a
  role for its logs that has less. It is one for the account and region; \`apiGatewayAccountRole: false\`
  leaves out this one where the account has its own.
`

export function page(): string {
  const url = 'https://simulator.invalid'
  const world = new World({
    identities: [{ iamRole: 'operators', role: 'operator' }],
    processors: {
      simulated: { kind: 'simulated', url, account: { id: 'acct_simulated', livemode: false } },
    },
  })
  const sections = [
    ...world
      .all('IAM::Role')
      .filter(({ id }) => nameOf(id) !== 'ApiCloudWatchRole')
      .map(section),
    ...world.all('IAM::ManagedPolicy').map(section),
  ].toSorted()
  return [head, ...sections, forced].join('\n')
}

function section(role: Resource): string {
  const rows = statementsOf(role).map(row)
  return `## ${nameOf(role.id).replace(/Role$/, '')}

${role.Properties['Description']}.

| statement | actions | on | only if |
|---|---|---|---|
${rows.join('\n')}
`
}

function row({ Sid, Action, Resource, Condition }: Statement): string {
  const actions = listOf(Action).map((action) => `\`${action}\``)
  const resources = listOf(Resource).map((each) => `\`${shortly(each)}\``)
  return `| ${Sid} | ${actions.join('<br>')} | ${resources.join('<br>')} | ${ifOf(Condition)} |`
}

function ifOf(condition: Statement['Condition']): string {
  const parts = Object.values(condition ?? {}).flatMap((tests) =>
    Object.entries(tests).map(
      ([key, value]) =>
        `\`${key}\` is ${listOf(value)
          .map((each) => `\`${shortly(each)}\``)
          .join(', ')}`,
    ),
  )
  return parts.join('; ')
}

/** Names for what has no value before it is deployed. */
function shortly(value: unknown): string {
  if (typeof value === 'string') return value
  const [[kind, inner] = ['', '']] = Object.entries(value as Record<string, unknown>)
  if (kind === 'Ref') return nameOf(String(inner)).replace(/^AWS::/, '')
  if (kind === 'Fn::GetAtt') {
    const [id = '', attribute = ''] = inner as string[]
    return attribute === 'Arn' ? nameOf(id) : `${nameOf(id)}.${attribute}`
  }
  const [separator, parts] = inner as [string, unknown[]]
  return parts
    .map(shortly)
    .join(separator)
    .replace('arn:Partition:', '')
    .replace(':Region:AccountId:', ':')
}

export const isFresh = (): boolean => readFileSync(pagePath, 'utf8') === page()

if (import.meta.main) writeFileSync(pagePath, page())
