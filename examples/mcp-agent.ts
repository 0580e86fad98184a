// What a model does with the MCP server, played by a script: it looks at its mandate, pays, loses the answer,
// and finds its payment again. Runs like `agent.ts`. In a project of your own the command is `quittance mcp`.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'

import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

import type { ToolAnswer } from '../src/client/index.ts'
import { settings } from './settings.ts'

const program = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))

async function session(): Promise<Client> {
  const client = new Client({ name: 'example', version: '1' })
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [program, 'mcp'],
      env: { QUITTANCE_URL: settings.url, QUITTANCE_AGENT_TOKEN: settings.token },
    }),
  )
  return client
}

async function call(client: Client, name: string, args: object): Promise<ToolAnswer> {
  const { structuredContent } = await client.callTool({ name, arguments: { ...args } })
  return structuredContent as ToolAnswer // checked against the tool's schema by the client
}

const bill = {
  amount: 4250,
  currency: 'EUR',
  payee: 'city power',
  reference: 'contract 88, 2026-11',
}

const client = await session()
const { tools } = await client.listTools()
console.log(`tools: ${tools.map(({ name }) => name).join(', ')}`)
const { mandate } = await call(client, 'check_mandate', {})
console.log(
  `may spend: ${mandate?.agent.mandate === null ? 'no limit of its own' : 'see its limits'}`,
)

// The call is given up at once, as when a stream breaks: nobody knows now what came of it.
const patience = AbortSignal.timeout(30)
const lost = client.callTool({ name: 'pay', arguments: bill }, { signal: patience })
await lost.catch(() => console.log('the answer is lost, which does not mean that it failed'))
await client.close()

// A new session, with nothing but the bill, and worded anew.
const again = await session()
let told = await call(again, 'pay', { ...bill, description: 'power bill, please' })
while (told.next_action.type === 'wait' && told.payment !== null) {
  told = await call(again, 'wait_for_payment', { payment_id: told.payment.id })
}
assert.equal(told.money_moved, 'yes', told.advice)
console.log(told.advice)

const found = await call(again, 'find_payments', { reference: bill.reference })
assert.equal(found.payments?.length, 1, 'one bill, one payment')
await again.close()
