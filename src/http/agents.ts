// Who may pay: the agents that there are, and a token for one more.
import { isValid, maxTokens } from '../core/access.ts'
import type { AgentRow } from '../core/access.ts'
import { listAgents, readAgent } from '../engine/agents.ts'
import type { Engine } from '../engine/engine.ts'
import { addAgent, makeToken } from '../engine/identity.ts'
import { listTokens } from '../engine/tokens.ts'
import { exampleAgent } from './examples.ts'
import { invalid } from './faults.ts'
import { agentRequest, agentsQuery } from './operator-schemas.ts'
import { agentListJson, newAgentJson } from './operator-wire.ts'
import type { AgentJson } from './operator-wire.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Route } from './route.ts'
import { ok } from './service.ts'

const defaultPage = 20

/** Whoever looks whether an agent may pay needs the switch of its account as well. */
export async function showAgents(
  engine: Engine,
  agents: readonly AgentRow[],
): Promise<readonly AgentJson[]> {
  const ids = [...new Set(agents.map(({ account }) => account))]
  const keys = ids.map((key) => ({ table: 'account', key }) as const)
  const rows = keys.length === 0 ? [] : await engine.store.read(keys)
  const suspended = new Set(ids.filter((_, index) => rows[index]?.value.suspended === true))
  return agents.map(({ visibility = 'account', ...agent }) => ({
    object: 'agent',
    id: agent.id,
    account: agent.account,
    name: agent.name,
    suspended: agent.suspended,
    account_suspended: suspended.has(agent.account),
    visibility,
  }))
}

const agents = operatorRead(
  '/v1/agents',
  {
    name: 'listAgents',
    summary: 'The agents, without their tokens',
    status: 200,
    answer: agentListJson,
    example: { object: 'list', data: [exampleAgent], cursor: null },
  },
  agentsQuery,
  async ({ engine, query: { limit = defaultPage, cursor } }) => {
    const page = await listAgents(engine, limit, cursor)
    return ok(200, {
      object: 'list',
      data: await showAgents(engine, page.agents),
      cursor: page.cursor,
    })
  },
)

const newAgent = operatorPost(
  '/v1/agents',
  {
    name: 'addAgent',
    summary: 'A token for an agent; makes the agent and its account where they are new',
    status: 201,
    answer: newAgentJson,
    example: { ...exampleAgent, token: 'qt_agent_…' },
  },
  {
    schema: agentRequest,
    example: { id: 'agent_books', account: 'default', name: 'the one that buys books' },
  },
  async ({ engine, operator, nowMs, body: { id, account, name, visibility } }) => {
    const known = await readAgent(engine, id)
    if (known !== null && known.account !== account) {
      const fault = { pointer: '/account', reason: 'is not the account of this agent' }
      return { rejection: invalid('An agent keeps its account.', [fault]) }
    }
    const valid = (await listTokens(engine, id))?.filter((each) => isValid(each, nowMs)) ?? []
    if (valid.length >= maxTokens) {
      return { rejection: invalid(`It has ${maxTokens} valid tokens; revoke one of them first.`) }
    }
    const token = makeToken('agent')
    const seeing = visibility === undefined ? {} : { visibility }
    const made = { id, account, name, suspended: false, mandate: null, ...seeing }
    const agent = known ?? made
    if (visibility !== undefined && visibility !== (agent.visibility ?? 'account')) {
      const fault = { pointer: '/visibility', reason: 'is not what this agent was made with' }
      return { rejection: invalid('An agent keeps what it may see.', [fault]) }
    }
    const added = await addAgent(engine, agent, token, operator)
    // Somebody adds the same agent in this moment; the token of this request was not stored.
    if (!added) return { rejection: invalid('It was added just now; ask again for a token.') }
    const [shown] = await showAgents(engine, [agent])
    return ok(201, { ...shown, token })
  },
)

export const agentRoutes: readonly Route[] = [agents, newAgent]
