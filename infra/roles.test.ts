// Who may do what. The policies are read from the template, as AWS will.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Vpc } from 'aws-cdk-lib/aws-ec2'
import type { IVpc } from 'aws-cdk-lib/aws-ec2'

import { served } from './api.ts'
import { listOf, nameOf, refersTo, statementsOf, World } from './testkit.ts'
import type { Resource } from './testkit.ts'
import { wildcardReasons } from './wildcards.ts'

const world = new World()
const roles = world.all('IAM::Role')

/** API Gateway's role for the account is AWS's policy, and has no more than that. */
const ownRoles = roles.filter(({ id }) => nameOf(id) !== 'ApiCloudWatchRole')

test('every function has a role of its own', () => {
  const used = world
    .all('Lambda::Function')
    .flatMap(({ Properties }) => refersTo(Properties['Role']))
  assert.equal(new Set(used).size, world.all('Lambda::Function').length)
})

test('every permission stands in its role: CDK has added none, and AWS lends none', () => {
  assert.equal(world.all('IAM::Policy').length, 0)
  for (const { id, Properties } of ownRoles) {
    assert.equal(Properties['ManagedPolicyArns'], undefined, id)
    assert.equal(Properties['Policies'].length, 1, id)
  }
})

test('every action is written out', () => {
  const statements = [...ownRoles, ...world.all('IAM::ManagedPolicy')].flatMap(statementsOf)
  assert.ok(statements.length > 50)
  for (const { Sid, Effect, Action } of statements) {
    assert.equal(Effect, Sid === 'NotTheirs' ? 'Deny' : 'Allow')
    for (const action of listOf(Action)) assert.doesNotMatch(action, /\*/, Sid)
  }
})

test('no resource is a wildcard that AWS does not force', () => {
  for (const role of [...ownRoles, ...world.all('IAM::ManagedPolicy')]) {
    for (const { Sid = '', Resource } of statementsOf(role)) {
      if (!JSON.stringify(Resource).includes('*')) continue
      assert.ok(wildcardReasons[Sid], `${role.id} ${Sid}: ${JSON.stringify(Resource)}`)
    }
  }
})

test('every statement has its own name', () => {
  for (const role of ownRoles) {
    const sids = statementsOf(role).map(({ Sid }) => Sid)
    assert.equal(new Set(sids).size, sids.length, role.id)
    assert.ok(!sids.includes(undefined), role.id)
  }
})

test('a role is for one service, and those that could be confused for this account only', () => {
  for (const { id, Properties } of roles) {
    const { Statement } = Properties['AssumeRolePolicyDocument']
    assert.equal(Statement.length, 1, id)
    const [{ Principal, Condition }] = Statement
    assert.equal(typeof Principal.Service, 'string', id)
    if (!/^(states|scheduler)/.test(Principal.Service)) continue
    assert.deepEqual(Condition.StringEquals, { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } }, id)
  }
})

// ── Secrets ──────────────────────────────────────────────────────────────────────────────────────

test('a secret of a processor is read by its own functions that call it, and by nothing else', () => {
  for (const name of ['North', 'South']) {
    const secret = world.one('SecretsManager::Secret', `Secret${name}`)
    const callers = [`Step${name}`, `Reconcile${name}`]
    assert.deepEqual(
      rolesThatReach(secret),
      callers.map((each) => `${each}Role`),
    )
    assert.deepEqual(functionsToldOf(secret), callers)
  }
})

test('what webhooks are signed with is read by intake only', () => {
  for (const name of ['North', 'South']) {
    const secret = world.one('SecretsManager::Secret', `WebhookSecret${name}`)
    assert.deepEqual(rolesThatReach(secret), ['IntakeRole'])
    assert.deepEqual(functionsToldOf(secret), ['Intake'])
  }
})

test('only Step Functions, the clock, the gateway and the bus invoke functions', () => {
  for (const role of ownRoles.filter(({ id }) => !/^(Machine|Schedule)/.test(nameOf(id)))) {
    assert.deepEqual(
      actionsOf(role).filter((each) => each.startsWith('lambda:')),
      [],
      role.id,
    )
  }
  for (const name of ['North', 'South']) {
    const machine = world.one('IAM::Role', `Machine${name}Role`)
    const invoked = statementsOf(machine)
      .filter(({ Action }) => listOf(Action).includes('lambda:InvokeFunction'))
      .flatMap(({ Resource }) => refersTo(Resource))
    assert.deepEqual(invoked.map(nameOf), [`Step${name}`])
  }
})

test('nobody may change the table itself, and only who runs the engine writes payments', () => {
  const actions = ownRoles.flatMap(actionsOf).filter((each) => each.startsWith('dynamodb:'))
  const allowed =
    /^dynamodb:(BatchGetItem|ConditionCheckItem|DeleteItem|DescribeStream|GetItem|GetRecords|GetShardIterator|ListStreams|PutItem|Query|UpdateItem)$/
  for (const action of actions) assert.match(action, allowed)
  const writers = ownRoles
    .filter((role) => actionsOf(role).includes('dynamodb:PutItem'))
    .map(({ id }) => nameOf(id))
  assert.ok(!writers.includes('AuthoriseRole') && !writers.includes('DispatchRole'))
})

test('tokens are read where callers are identified, and nowhere else', () => {
  const readers = ownRoles.filter((role) => mayTouch(role, 'u#hash')).map(({ id }) => nameOf(id))
  assert.deepEqual(readers.toSorted(), ['AuthoriseRole', 'IntakeRole'])
})

test('keys and guards of bills are touched by intake only: claims are made there', () => {
  for (const row of ['k#agent/key', 'r#account/reference', 's#look-alike']) {
    const writers = ownRoles.filter((role) => mayTouch(role, row)).map(({ id }) => nameOf(id))
    assert.deepEqual(writers, ['IntakeRole'], row)
  }
})

test('copies and shards of a row are its own', () => {
  const step = world.one('IAM::Role', 'StepNorthRole')
  for (const row of ['c#all', 'c8#all', 'f3#north', 'b#account/EUR', 'b1#account/EUR', 'p#pay_1']) {
    assert.ok(mayTouch(step, row), row)
  }
})

test('relay marks payments and touches nothing else', () => {
  const relay = world.one('IAM::Role', 'RelayRole')
  assert.ok(mayTouch(relay, 'p#pay_1'))
  for (const other of ['b#account', 'c#stop', 'u#hash']) assert.ok(!mayTouch(relay, other), other)
})

test('reconciliation keeps its books; those who pay do not touch them, and it claims nothing', () => {
  const reconcile = world.one('IAM::Role', 'ReconcileNorthRole')
  for (const row of ['p#pay_1', 'n#rec_1', 'm#brk_1', 'i#alert']) {
    assert.ok(mayTouch(reconcile, row), row)
  }
  for (const row of ['k#agent/key', 'u#hash', 'r#account/reference', 'w#message']) {
    assert.ok(!mayTouch(reconcile, row), row)
  }
  const keepers = ownRoles.filter((role) => mayTouch(role, 'n#rec_1')).map(({ id }) => nameOf(id))
  assert.deepEqual(keepers.toSorted(), ['IntakeRole', 'ReconcileNorthRole', 'ReconcileSouthRole'])
})

test('objects in the bucket: what reconciliation keeps is its own, and it sees no record put aside', () => {
  const reaching = ownRoles.flatMap((role) =>
    statementsOf(role)
      .filter(({ Action }) => listOf(Action).some((each) => /^s3:.*Object$/.test(each)))
      .map(({ Action, Resource }) => {
        const [, prefix] = /\/([^"]*)"\]\]\}$/.exec(JSON.stringify(Resource)) ?? []
        return `${nameOf(role.id)} ${listOf(Action).length} ${prefix}`
      }),
  )
  assert.deepEqual(reaching.toSorted(), [
    'ReconcileNorthRole 3 reconciling/*',
    'ReconcileSouthRole 3 reconciling/*',
    'RelayRole 1 aws/lambda/*',
  ])
})

test('our key is used through a service, or by one that reads for us', () => {
  for (const role of ownRoles) {
    for (const { Sid, Action, Condition } of statementsOf(role)) {
      if (!listOf(Action).some((action) => action.startsWith('kms:'))) continue
      // Step Functions and the Scheduler decrypt with the role itself.
      if (Sid === 'PlatformKeyStates' || Sid === 'PlatformKeyScheduler') continue
      assert.ok(Condition?.['StringEquals']?.['kms:ViaService'], `${role.id} ${Sid}`)
    }
  }
})

// ── Callers with an AWS identity ─────────────────────────────────────────────────────────────────

const patternsOf = (name: string, effect: string): readonly RegExp[] =>
  statementsOf(world.one('IAM::ManagedPolicy', name))
    .filter(({ Effect }) => Effect === effect)
    .flatMap(({ Resource }) => listOf(Resource))
    .map((arn) => {
      const [, parts] = (arn as { 'Fn::Join': [string, unknown[]] })['Fn::Join']
      const path = String(parts.at(-1)).replace(/^\/main\//, '')
      return new RegExp(`^${path.replace(/[.]/g, '\\.').replaceAll('*', '.*')}$`)
    })

function mayCall(name: string, { method, path }: (typeof served)[number]): boolean {
  const asked = `${method}/aws${path.replace(/\{\w+\}/g, 'some-id')}`
  const [allowed, denied] = ['Allow', 'Deny'].map((effect) =>
    patternsOf(name, effect).some((pattern) => pattern.test(asked)),
  )
  return allowed === true && denied !== true
}

test('the policy for agents reaches the routes of agents, and not one of operators', () => {
  for (const route of served.filter(({ path }) => path.startsWith('/v1/'))) {
    assert.equal(mayCall('AgentPolicy', route), route.access.includes('agent'), route.path)
    assert.equal(mayCall('OperatorPolicy', route), route.access.includes('operator'), route.path)
  }
})

test('neither policy does anything but invoke', () => {
  for (const policy of world.all('IAM::ManagedPolicy')) {
    assert.deepEqual([...new Set(actionsOf(policy))], ['execute-api:Invoke'])
  }
})

test('in a VPC a role may have its network interfaces made, and nothing else more', () => {
  const there = new World((stack) => ({ vpc: { vpc: new Vpc(stack, 'Vpc') as IVpc } }))
  for (const role of there.all('IAM::Role').filter(({ id }) => /IntakeRole/.test(id))) {
    const more = actionsOf(role).filter(
      (each) => !actionsOf(world.one('IAM::Role', 'IntakeRole')).includes(each),
    )
    assert.ok(more.length > 0 && more.every((each) => each.startsWith('ec2:')), more.join())
  }
  for (const { id, Properties } of there.all('Lambda::Function')) {
    // CDK closes the default security group with a function of its own.
    if (!id.startsWith('Payments')) continue
    assert.ok(Properties['VpcConfig']?.SubnetIds.length > 0, id)
  }
})

function actionsOf(role: Resource): readonly string[] {
  return statementsOf(role).flatMap(({ Action }) => listOf(Action))
}

/** As `dynamodb:LeadingKeys` is evaluated: any item, where there is no such condition. */
function mayTouch(role: Resource, partitionKey: string): boolean {
  return statementsOf(role).some(({ Action, Condition }) => {
    if (!listOf(Action).some((action) => /^dynamodb:(Get|Put|Update)Item$/.test(action)))
      return false
    const keys = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys']
    if (keys === undefined) return true
    const patterns = listOf(keys as string | readonly string[])
    return patterns.some((pattern) =>
      new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(partitionKey),
    )
  })
}

function rolesThatReach({ id }: Resource): readonly string[] {
  return roles
    .filter((role) => statementsOf(role).some(({ Resource }) => refersTo(Resource).includes(id)))
    .map((role) => nameOf(role.id))
}

function functionsToldOf({ id }: Resource): readonly string[] {
  return world
    .all('Lambda::Function')
    .filter(({ Properties }) => refersTo(Properties['Environment']).includes(id))
    .map((each) => nameOf(each.id))
}
