// All agents at work on all bills, each agent with several bills under way, in the order of the file.
import type { Client } from '../../client/index.ts'
import { createAgent } from './agent.ts'
import type { Chronicle, DemoAgent } from './agent.ts'
import type { DemoBill } from './bills.ts'
import { randomOf } from './random.ts'
import { scripts } from './scripts.ts'

/** Bills that one agent has under way. */
const billsAtOnce = 8
const agentsOfAccount = 3

export async function makeAgents(
  operator: Client,
  url: string,
  bills: readonly DemoBill[],
  chronicle: Chronicle,
  ways: (
    agentId: string,
  ) => Pick<Parameters<typeof createAgent>[0], 'fetch' | 'deadlineMs'> = () => ({}),
): Promise<readonly DemoAgent[]> {
  const accounts = [...new Set(bills.map(({ account }) => account))]
  const wanted = accounts.flatMap((account) =>
    Array.from({ length: agentsOfAccount }, (_, at) => ({
      id: `${account}_${at + 1}`,
      account,
      name: `${account} agent ${at + 1}`,
    })),
  )
  const agents: DemoAgent[] = []
  for (const agent of wanted) {
    const added = await operator.addAgent(agent)
    if (!added.ok) throw new Error(`agent ${agent.id} was not made: ${added.problem.detail}`)
    const { token } = added.agent
    agents.push(createAgent({ ...agent, token, url, ...ways(agent.id) }, chronicle))
  }
  return agents
}

export interface WorkOptions {
  readonly seed: number
  /** A bill that nobody asks for; for the test of the check itself. */
  readonly skip: string | null
  readonly onBillDone: (bill: DemoBill) => void
}

export async function work(
  agents: readonly DemoAgent[],
  bills: readonly DemoBill[],
  { seed, skip, onBillDone }: WorkOptions,
): Promise<void> {
  const shares = new Map<DemoAgent, DemoBill[]>(agents.map((agent) => [agent, []]))
  for (const bill of bills) {
    const [agent] = pairFor(agents, bill, seed)
    shares.get(agent)?.push(bill)
  }
  const one = async (agent: DemoAgent, queue: IterableIterator<DemoBill>): Promise<void> => {
    for (const bill of queue) {
      const [, mate] = pairFor(agents, bill, seed)
      const random = randomOf(seed, `agent with ${bill.id}`)
      if (bill.id !== skip) await scripts[bill.script].play({ bill, agent, mate, random })
      onBillDone(bill)
    }
  }
  await Promise.all(
    [...shares].flatMap(([agent, share]) => {
      const queue = share.values()
      return Array.from({ length: billsAtOnce }, () => one(agent, queue))
    }),
  )
}

/** The agent of a bill and another one of its account. */
function pairFor(
  agents: readonly DemoAgent[],
  bill: DemoBill,
  seed: number,
): readonly [DemoAgent, DemoAgent] {
  const own = agents.filter(({ account }) => account === bill.account)
  const at = randomOf(seed, `agent of ${bill.id}`).integer(0, own.length - 1)
  const [agent, mate] = [own[at], own[(at + 1) % own.length]]
  if (agent === undefined || mate === undefined)
    throw new Error(`account ${bill.account} has no agents`)
  return [agent, mate]
}
