// The agents that there are, for operators; never with a token, which is stored nowhere.
import type { AgentRow } from '../core/access.ts'
import type { Engine } from './engine.ts'

export async function readAgent(engine: Engine, agentId: string): Promise<AgentRow | null> {
  const [row] = await engine.store.read([{ table: 'agent', key: agentId }])
  return row?.value ?? null
}

/** A page of them, the last id first. */
export async function listAgents(
  engine: Engine,
  limit: number,
  cursor: string | undefined,
): Promise<{ readonly agents: readonly AgentRow[]; readonly cursor: string | null }> {
  const page = await engine.store.scan({
    table: 'agent',
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  })
  return { agents: page.rows.map(({ value }) => value), cursor: page.cursor }
}
