// What agents and accounts may spend, as operators see and set it. Agents can look (`GET /v1/mandate`),
// no more.
import { reject } from '../core/rejections.ts'
import { setMandate } from '../engine/mandates.ts'
import { boundJson, mandateRequest, toBoundJson, toTerms } from './mandate-wire.ts'
import type { Scope } from './mandate-wire.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Route } from './route.ts'
import { noQuery } from './schemas.ts'
import { ok } from './service.ts'

const limits = {
  per_payment: 50_000,
  per_day: 200_000,
  per_month: null,
  per_payee_and_day: null,
  approval_above: 20_000,
}
const terms = { limits: { EUR: limits }, payees: [{ prefix: 'cloud-' }], payment_methods: null }

const exampleIds = { agent: 'agent_books', account: 'shop' } as const

function getter(scope: Scope, path: string, summary: string): Route {
  const id = exampleIds[scope]
  return operatorRead(
    path,
    {
      name: scope === 'agent' ? 'getAgentMandate' : 'getAccountMandate',
      summary,
      status: 200,
      answer: boundJson,
      example: { object: 'bound_mandate', scope, id, version: 3, ...terms, expires_at: null },
    },
    noQuery,
    async ({ engine, id: asked }) => {
      const [row] = await engine.store.read([{ table: scope, key: asked }])
      return row === null
        ? { rejection: reject('not_found', `There is no such ${scope}.`) }
        : ok(200, toBoundJson(scope, asked, row.value.mandate))
    },
  )
}

function setter(scope: Scope, path: string, summary: string): Route {
  const id = exampleIds[scope]
  const post = operatorPost(
    path,
    {
      name: scope === 'agent' ? 'setAgentMandate' : 'setAccountMandate',
      summary,
      status: 200,
      answer: boundJson,
      example: { object: 'bound_mandate', scope, id, version: 3, ...terms, expires_at: null },
    },
    { schema: mandateRequest, example: { version: 2, ...terms, reason: 'the budget of the year' } },
    async ({ engine, id: asked, operator: by, body }) => {
      const given = { shown: body.version, terms: toTerms(body) }
      const set = await setMandate(engine, scope, asked, given, { by, reason: body.reason })
      return 'rejection' in set ? set : ok(200, toBoundJson(scope, asked, set.mandate))
    },
  )
  return { ...post, method: 'PUT' }
}

export const mandateRoutes: readonly Route[] = [
  getter('agent', '/v1/agents/{agentId}/mandate', 'What an agent may spend, as it was set'),
  getter(
    'account',
    '/v1/accounts/{accountId}/mandate',
    'What all agents of an account may spend together, as it was set',
  ),
  setter(
    'agent',
    '/v1/agents/{agentId}/mandate',
    'What an agent may spend, from its next claim on',
  ),
  setter(
    'account',
    '/v1/accounts/{accountId}/mandate',
    'What all agents of an account may spend together, from the next claim on',
  ),
]
