// What the tests of this folder share: a real service with the simulated processor behind it, and official
// MCP clients on both transports.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

import type { ToolAnswer } from '../client/index.ts'
import { childEnvironment, readConfig } from '../config.ts'
import { openService } from '../embedded/service.ts'
import { startSimulator } from '../simulator/simulator.ts'

export const tokens = {
  agent: 'an_agent_token_0123456789',
  operator: 'an_operator_token_0123456789',
}

export interface Charge {
  readonly captures: number
  /** Of the bill: its payee and its reference. */
  readonly metadata: { readonly reference_hash: string }
}

export interface ToolWorld {
  readonly url: string
  readonly simulatorUrl: string
  /** What the processor itself has booked. */
  readonly charges: () => Promise<readonly Charge[]>
  readonly faults: (plan: object) => Promise<void>
}

export async function openToolWorld(t: TestContext): Promise<ToolWorld> {
  const simulator = await startSimulator({ lookupLagMs: 200, lateMs: 200, slowMs: [250, 350] })
  t.after(() => simulator.close())
  const folder = await mkdtemp(join(tmpdir(), 'quittance-mcp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const config = readConfig({
    QUITTANCE_PORT: '0',
    QUITTANCE_DATA: folder,
    QUITTANCE_SIMULATOR_URL: simulator.url,
    QUITTANCE_AGENT_TOKEN: tokens.agent,
    QUITTANCE_OPERATOR_TOKEN: tokens.operator,
    QUITTANCE_CALL_TIMEOUT_MS: '500',
    QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS: '400',
  })
  const service = await openService(config, { log: () => undefined })
  t.after(() => service.stop())
  const headers = { authorization: 'Bearer sim_test_key', 'content-type': 'application/json' }
  return {
    url: service.url,
    simulatorUrl: simulator.url,
    async charges() {
      const response = await fetch(`${simulator.url}/ledger`, { headers })
      return ((await response.json()) as { charges: Charge[] }).charges // its own tests pin it
    },
    async faults(plan) {
      await fetch(`${simulator.url}/faults`, {
        method: 'PUT',
        headers,
        body: JSON.stringify(plan),
      })
    },
  }
}

export type Era = 'legacy' | 'auto'

export async function connectHttp(
  t: TestContext,
  url: string,
  how: { readonly era?: Era; readonly fetch?: typeof globalThis.fetch } = {},
): Promise<Client> {
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${tokens.agent}` } },
    ...(how.fetch === undefined ? {} : { fetch: how.fetch }),
  })
  return connected(t, transport, how.era)
}

export async function connectStdio(t: TestContext, url: string, era?: Era): Promise<Client> {
  const program = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
  const settings = { QUITTANCE_URL: url, QUITTANCE_AGENT_TOKEN: tokens.agent }
  const env = Object.entries(childEnvironment(settings)).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, 'mcp'],
    env: Object.fromEntries(env) as Record<string, string>,
  })
  return connected(t, transport, era)
}

async function connected(
  t: TestContext,
  transport: Parameters<Client['connect']>[0],
  era: Era = 'legacy',
): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: era } })
  await client.connect(transport)
  t.after(() => client.close())
  return client
}

export interface Called {
  readonly isError: boolean
  readonly answer: ToolAnswer
}

/** A call of a tool, as the structured content says it. */
export async function call(
  client: Client,
  name: string,
  args: Readonly<Record<string, unknown>>,
  options: { readonly signal?: AbortSignal; readonly timeout?: number } = {},
): Promise<Called> {
  const result = await client.callTool({ name, arguments: args }, options)
  // The client has checked it against the tool's own output schema.
  return {
    isError: result.isError === true,
    answer: result.structuredContent as ToolAnswer,
  }
}
