// What agents and accounts may spend, as operators set it. Agents can look (`GET /v1/mandate`), no more.
import { setMandate } from '../engine/mandates.ts'
import { boundJson, mandateRequest, toBoundJson, toTerms } from './mandate-wire.ts'
import { operatorPost } from './route.ts'
import type { Route } from './route.ts'
import { ok } from './service.ts'

const limits = {
  per_payment: 50_000,
  per_day: 200_000,
  per_month: null,
  per_payee_and_day: null,
  approval_above: 20_000,
}
const terms = { limits: { EUR: limits }, payees: [{ prefix: 'cloud-' }], payment_methods: null }

function setter(scope: 'agent' | 'account', path: string, summary: string): Route {
  const id = scope === 'agent' ? 'agent_books' : 'shop'
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
