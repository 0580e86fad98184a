// Where the swarm lives: the real service and the simulated processor as processes, one account with a
// budget, its agents with a token each. Nothing here knows what the agents will do.
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { startChild } from '../../src/cli/children.ts'
import { lateMs, startKillableService } from '../../src/cli/demo/killable-service.ts'
import type { KillableService } from '../../src/cli/demo/killable-service.ts'
import { openProcessorSide } from '../../src/cli/demo/processor-side.ts'
import type { ProcessorSide } from '../../src/cli/demo/processor-side.ts'
import { createAgentClient, createClient } from '../../src/client/index.ts'
import type { AgentClient, Client } from '../../src/client/index.ts'

export interface SwarmOptions {
  readonly agents: number
  readonly bills: number
  /** SIGKILLs of the service while the agents work. */
  readonly kills: number
  readonly seed: number
  /** Empty; the files of service and processor go there. */
  readonly folder: string
  readonly say: (line: string) => void
}

export interface SwarmWorld {
  readonly storeFile: string
  readonly service: KillableService
  readonly processor: ProcessorSide
  readonly agents: readonly SwarmAgent[]
  readonly end: () => Promise<void>
}

export interface SwarmAgent {
  readonly id: string
  readonly client: AgentClient
}

export const account = 'swarm'
export const currency = 'EUR'
/** Equal bills: what is left is always worth a whole number of them. */
export const amount = 250

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const apiKey = 'sim_swarm_key'
const webhookSecret = 'sim_swarm_webhook_secret'

/** Longer than all restarts together: no agent gives up for them. */
const deadlineMs = 30 * 60_000

/** No declines: whatever the budget covers can be paid in the end. */
const writes = { '504_after': 0.03, '504_before': 0.02, reset_after: 0.02, reset_before: 0.02 }
const rates = { authorise: { ...writes, '429': 0.02 }, capture: writes }

export async function openSwarm(options: SwarmOptions, budget: number): Promise<SwarmWorld> {
  const { folder, seed, say } = options
  const dataFolder = join(folder, 'data')
  await mkdir(dataFolder, { recursive: true, mode: 0o700 })
  const storeFile = join(dataFolder, 'quittance.db')
  const timing = ['--late-ms', String(lateMs), '--slow-ms', '600', '--processing-ms', '300']
  const file = join(folder, 'simulator.db')
  const simulator = await startChild({
    program,
    args: ['simulator', '--port', '0', '--file', file, '--seed', String(seed), ...timing],
    settings: { QUITTANCE_SIMULATOR_KEY: apiKey },
  })
  const processor = openProcessorSide(simulator.url, apiKey)
  await processor.setFaults({ seed, rates })
  const operatorToken = token()
  const service = await startKillableService({
    dataFolder,
    simulatorUrl: simulator.url,
    simulatorKey: apiKey,
    webhookSecret,
    agentToken: token(),
    operatorToken,
    program,
    onLine: (line) => onServiceLine(line, say),
  })
  await processor.setWebhook(`${service.url}/webhooks/simulated`, webhookSecret)
  const operator = createClient({ url: service.url, token: operatorToken })
  await giveBudget(operator, budget)
  const agents = await makeAgents(operator, service.url, options.agents)
  const end = async (): Promise<void> => {
    await service.end()
    await simulator.end('SIGTERM')
  }
  return Object.freeze({ storeFile, service, processor, agents, end })
}

const token = (): string => `qt_swarm_${randomBytes(24).toString('base64url')}`

// Before there is an agent, so that no claim can come before the budget.
async function giveBudget(operator: Client, budget: number): Promise<void> {
  const reason = 'what the swarm may spend'
  const limits = { [currency]: { per_day: budget } }
  const bound = { scope: 'account', id: account } as const
  const given = [
    await operator.addAccount(account, { name: 'the swarm', reason }),
    await operator.setMandate(bound, { version: 0, limits }, { reason }),
  ]
  for (const each of given) {
    if (!each.ok) throw new Error(`the budget was not stored: ${each.problem.detail}`)
  }
}

async function makeAgents(
  operator: Client,
  url: string,
  count: number,
): Promise<readonly SwarmAgent[]> {
  const agents: SwarmAgent[] = []
  for (let at = 1; at <= count; at += 1) {
    const id = `swarm_${at}`
    const added = await operator.addAgent({ id, account, name: `agent ${at} of the swarm` })
    if (!added.ok) throw new Error(`agent ${id} was not made: ${added.problem.detail}`)
    const client = createAgentClient({ url, token: added.agent.token, deadlineMs })
    agents.push(Object.freeze({ id, client }))
  }
  return agents
}

// A bug of ours must not hide behind a good end.
function onServiceLine(line: string, say: (line: string) => void): void {
  if (/"kind":"(bug|http_fault|key_mismatch|duplicate_object)"/.test(line)) {
    say(`service: ${line.slice(0, 500)}`)
  }
}
