import assert from 'node:assert/strict'
import { test } from 'node:test'

import { callerOfRole, isSigned } from './identities.ts'
import type { IamCaller } from './identities.ts'

const known: readonly IamCaller[] = [
  { iamRole: 'operators', role: 'operator' },
  { iamRole: 'robots', role: 'agent', agent: 'agent_1', account: 'account_1' },
]

const session = (role: string): string =>
  `arn:aws:sts::123456789012:assumed-role/${role}/ada@example.com`

test('a role is who the template says it is; an operator acts under the session as well', () => {
  assert.deepEqual(callerOfRole(session('operators'), known), {
    role: 'operator',
    name: 'operators/ada@example.com',
  })
  assert.deepEqual(callerOfRole(session('robots'), known), {
    role: 'agent',
    agent: 'agent_1',
    account: 'account_1',
  })
})

test('any other role, a user, the root and nobody at all are nobody', () => {
  const others = [
    session('operators-of-others'),
    'arn:aws:iam::123456789012:user/operators',
    'arn:aws:iam::123456789012:root',
    `arn:aws:sts::123456789012:federated-user/operators`,
    `${session('robots')}/operators/x`,
    '',
    null,
    undefined,
  ]
  for (const arn of others) assert.equal(callerOfRole(arn, known), null, String(arn))
})

test('only what lies below /aws is signed', () => {
  assert.ok(isSigned('/aws/v1/payments'))
  for (const path of ['/v1/payments', '/aws', '/awsome/v1', '/v1/aws/']) assert.ok(!isSigned(path))
})
