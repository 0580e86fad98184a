// The MCP server: the tools of payments, each a call of the HTTP API with the agent's own token. It holds
// no state and decides nothing: a lost session loses nothing.
import { fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import type { jsonSchemaValidator, JsonSchemaValidator } from '@modelcontextprotocol/server'

import type { AgentClient, JsonSchema, PaymentTool, ToolOptions } from '../client/index.ts'
import { paymentTools } from '../client/index.ts'

const instructions =
  'Quittance pays bills once or not at all, and says which. One bill, one reference: use the number on ' +
  'the bill, and the same one whenever you ask again. A timeout does not mean that it failed: call ' +
  'get_payment, or pay again with the same payee and reference. Do what next_action and advice say.'

export function createMcpServer(client: AgentClient, options?: ToolOptions): McpServer {
  const server = new McpServer({ name: 'quittance', version: '1' }, { instructions })
  for (const tool of paymentTools(client, options)) register(server, tool)
  return server
}

function register(server: McpServer, tool: PaymentTool): void {
  const { name, title, description, input, run } = tool
  const inputSchema = fromJsonSchema<object>(withoutFreeze(input), unchecked)
  const outputSchema = fromJsonSchema<object>(withoutFreeze(outputJson))
  const config = { title, description, inputSchema, outputSchema, annotations: hintsOf(tool) }
  server.registerTool(name, config, async (given, context) => {
    const { isError, answer } = await run(given, context.mcpReq.signal)
    const text = JSON.stringify(answer)
    return { isError, content: [{ type: 'text', text }], structuredContent: { ...answer } }
  })
}

// The library's own type of a schema is mutable; it changes nothing of it.
const withoutFreeze = (schema: JsonSchema): Parameters<typeof fromJsonSchema>[0] => ({ ...schema })

// The service checks what is asked, and says what is wrong, where, and what to do: the library would only
// say the first of these.
const unchecked: jsonSchemaValidator = {
  getValidator<T>(): JsonSchemaValidator<T> {
    return (input) => ({ valid: true, data: input as T, errorMessage: undefined }) // looked at there
  },
}

/** `pay` is idempotent only because a reference is required. */
function hintsOf({ readOnly, name }: PaymentTool) {
  if (readOnly) return { readOnlyHint: true, openWorldHint: name !== 'check_mandate' }
  return {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: true,
  }
}

const orNull = (type: string) => ({ type: [type, 'null'] })

/** What every tool answers; what is inside of a payment the HTTP reference says. */
const outputJson: JsonSchema = {
  type: 'object',
  properties: {
    advice: { type: 'string', description: 'What to do now.' },
    money_moved: { enum: ['yes', 'no', 'unknown'] },
    next_action: {
      type: 'object',
      properties: {
        type: {
          enum: ['none', 'wait', 'ask_human', 'fix_request', 'use_existing', 'retry_same_key'],
        },
        after: { ...orNull('integer'), description: 'Seconds.' },
        url: orNull('string'),
      },
      required: ['type'],
    },
    new_key_allowed: {
      type: 'boolean',
      description: 'True: only together with `retry_of` this payment.',
    },
    payment: orNull('object'),
    payments: orNull('array'),
    cursor: orNull('string'),
    mandate: orNull('object'),
    problem: { ...orNull('object'), description: 'Why it was refused.' },
    replayed: { type: 'boolean' },
    ignored: {
      type: 'array',
      items: { type: 'string' },
      description: 'Fields that an earlier call for the same bill had otherwise; not taken.',
    },
  },
  required: ['advice', 'money_moved', 'next_action', 'new_key_allowed', 'replayed', 'ignored'],
}
