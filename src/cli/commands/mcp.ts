// The tools of payments for a model, on standard input and output. A client of the HTTP API like any other:
// it may be killed at any moment.
import { createAgentClient } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { settingsFor } from '../connect.ts'
import { exitCodes } from '../exit.ts'

export const mcp: Command = {
  name: 'mcp',
  summary: 'payments as tools for a model: an MCP server on stdin and stdout',
  about: `
Started by the program that runs the model, and ended by it: an MCP server with the tools pay,
get_payment, wait_for_payment, find_payments, capture_payment, void_payment and check_mandate. It talks
to a running service with the agent's token and keeps nothing: killed or started anew it finds every
payment again by its reference. The service itself has the same tools at /mcp.`,
  examples: [
    'quittance mcp',
    'QUITTANCE_AGENT_TOKEN=… quittance mcp --url https://payments.example.com',
  ],
  options: remoteOptions,
  run: async (words, terminal) => {
    const { url, token } = await settingsFor(words, 'agent')
    const [{ serveStdio, StdioServerTransport }, { createMcpServer }] = await Promise.all([
      import('@modelcontextprotocol/server/stdio'),
      import('../../mcp/server.ts'),
    ])
    const client = createAgentClient({ url, token })
    const transport = new StdioServerTransport(process.stdin, process.stdout, {
      maxBufferSize: maxMessageBytes,
    })
    const ended = new Promise<void>((resolve) => {
      process.stdin.once('end', resolve)
      process.stdin.once('close', resolve)
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
    })
    // Standard output is the protocol's; what a person should know goes beside it.
    const onerror = (error: Error): void => terminal.note(`quittance mcp: ${error.message}`)
    const server = serveStdio(() => createMcpServer(client), { transport, onerror })
    await ended
    await server.close()
    return exitCodes.ok
  },
}

/** More than any bill needs; what is longer ends the connection. */
const maxMessageBytes = 1_048_576
