// The tokens of an agent: what there are, one more, one in place of another, one less. A token is in one
// answer, once; who did not keep it asks for another one.
import { isValid } from '../core/access.ts'
import type { ListedToken } from '../core/access.ts'
import { issueToken, listTokens, revokeToken, rotateToken } from '../engine/tokens.ts'
import type { Issued } from '../engine/tokens.ts'
import {
  newTokenJson,
  revokeRequest,
  rotateRequest,
  tokenJson,
  tokenListJson,
  tokenRequest,
} from './access-wire.ts'
import type { TokenJson } from './access-wire.ts'
import { invalid } from './faults.ts'
import { rfc3339 } from './representation.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Operating, Reply, Route } from './route.ts'
import { noQuery } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchAgent } from './variables.ts'

const exampleToken: TokenJson = {
  object: 'token',
  id: 'tok_01KGB7D5RN2V0YJ4XH8T6QWM3C',
  agent: 'agent_books',
  status: 'valid',
  scopes: ['pay', 'read'],
  created_at: '2026-01-31T12:20:00.000Z',
  expires_at: '2026-04-30T00:00:00.000Z',
  revoked_at: null,
}

const exampleReason = 'a new deployment'

function toTokenJson(agent: string, facts: ListedToken, nowMs: number): TokenJson {
  const { id, scopes = null, createdAtMs, expiresAtMs = null, revokedAtMs = null } = facts
  const ended = revokedAtMs === null ? 'expired' : 'revoked'
  return {
    object: 'token',
    id,
    agent,
    status: isValid(facts, nowMs) ? 'valid' : ended,
    scopes: scopes === null ? null : [...scopes],
    created_at: rfc3339(createdAtMs),
    expires_at: expiresAtMs === null ? null : rfc3339(expiresAtMs),
    revoked_at: revokedAtMs === null ? null : rfc3339(revokedAtMs),
  }
}

const list = operatorRead(
  '/v1/agents/{agentId}/tokens',
  {
    name: 'listTokens',
    summary: 'The tokens of an agent, the newest first; of the tokens themselves nothing is kept',
    status: 200,
    answer: tokenListJson,
    example: { object: 'list', data: [exampleToken] },
  },
  noQuery,
  async ({ engine, id, nowMs }) => {
    const tokens = await listTokens(engine, id)
    if (tokens === null) return noSuchAgent
    return ok(200, { object: 'list', data: tokens.map((each) => toTokenJson(id, each, nowMs)) })
  },
)

const newTokenDoc = (name: string, summary: string) => ({
  name,
  summary,
  status: 201,
  answer: newTokenJson,
  example: { ...exampleToken, token: 'qt_agent_…' },
})

function show({ id, nowMs }: Operating<unknown>, issued: Issued): Reply {
  if (issued.rejection !== undefined) return issued
  return ok(201, { ...toTokenJson(id, issued.facts, nowMs), token: issued.token })
}

const issue = operatorPost(
  '/v1/agents/{agentId}/tokens',
  newTokenDoc(
    'addToken',
    'One more token for an agent, for some of what it may ask, and for a time',
  ),
  {
    schema: tokenRequest,
    example: { scopes: ['pay', 'read'], expires_at: '2026-04-30T00:00:00Z', reason: exampleReason },
  },
  async (given) => {
    const { engine, id, operator: by, nowMs, body } = given
    const expiresAtMs = body.expires_at == null ? null : Date.parse(body.expires_at)
    if (expiresAtMs !== null && expiresAtMs <= nowMs) {
      const fault = { pointer: '/expires_at', reason: 'is in the past' }
      return { rejection: invalid('Such a token would have ended already.', [fault]) }
    }
    const asked = { expiresAtMs, scopes: body.scopes == null ? null : [...new Set(body.scopes)] }
    return show(given, await issueToken(engine, id, asked, { by, reason: body.reason }))
  },
)

const daySeconds = 86_400

const rotate = operatorPost(
  '/v1/agents/{agentId}/tokens/rotate',
  newTokenDoc('rotateToken', 'A token in place of another, which is valid for a while beside it'),
  {
    schema: rotateRequest,
    example: { token_id: exampleToken.id, overlap_seconds: 3600, reason: exampleReason },
  },
  async (given) => {
    const { engine, id, operator: by, body } = given
    const { token_id: tokenId, overlap_seconds: overlapSeconds = daySeconds, reason } = body
    const overlapMs = overlapSeconds * 1000
    return show(given, await rotateToken(engine, id, tokenId, overlapMs, { by, reason }))
  },
)

const revoke = operatorPost(
  '/v1/agents/{agentId}/tokens/revoke',
  {
    name: 'revokeToken',
    summary: 'Nobody comes in with this token any more, from the next request on',
    status: 200,
    answer: tokenJson,
    example: { ...exampleToken, status: 'revoked', revoked_at: '2026-02-01T08:00:00.000Z' },
  },
  {
    schema: revokeRequest,
    example: { token_id: exampleToken.id, reason: 'it was in a log' },
  },
  async ({ engine, id, operator: by, body: { token_id: tokenId, reason } }) => {
    const revoked = await revokeToken(engine, id, tokenId, { by, reason })
    if (revoked.rejection !== undefined) return revoked
    return ok(200, toTokenJson(id, revoked.facts, engine.time.nowMs(0)))
  },
)

export const tokenRoutes: readonly Route[] = [list, issue, rotate, revoke]
