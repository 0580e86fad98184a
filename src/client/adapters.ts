// The tools in the shapes that the Vercel AI SDK and LangChain take. By shape: neither is imported, so
// neither is a dependency.
import type { AgentClient } from './client.ts'
import type { JsonSchema } from './tool-texts.ts'
import { paymentTools } from './tools.ts'
import type { ToolAnswer, ToolOptions } from './tools.ts'

/** A schema as `jsonSchema()` of the Vercel AI SDK makes one. */
export interface VercelSchema {
  readonly [mark: symbol]: true
  readonly jsonSchema: JsonSchema
  readonly validate: (value: unknown) => { readonly success: true; readonly value: unknown }
}

export interface VercelTool {
  readonly description: string
  readonly inputSchema: VercelSchema
  readonly execute: (
    input: unknown,
    options?: { readonly abortSignal?: AbortSignal },
  ) => Promise<ToolAnswer & { readonly is_error: boolean }>
}

/** For `tools` of `generateText` and `streamText`. */
export function vercelTools(
  client: AgentClient,
  options?: ToolOptions,
): Readonly<Record<string, VercelTool>> {
  const tools = paymentTools(client, options).map(({ name, description, input, run }) => {
    const execute: VercelTool['execute'] = async (given, { abortSignal } = {}) => {
      const { answer, isError } = await run(given, abortSignal)
      return { ...answer, is_error: isError }
    }
    return [name, { description, inputSchema: vercelSchema(input), execute }] as const
  })
  return Object.fromEntries(tools)
}

// The service validates, and answers with what is wrong and what to do.
function vercelSchema(input: JsonSchema): VercelSchema {
  return {
    [Symbol.for('vercel.ai.schema')]: true,
    jsonSchema: input,
    validate: (value: unknown) => ({ success: true, value }) as const,
  }
}

export interface LangChainTool {
  readonly name: string
  readonly description: string
  readonly schema: JsonSchema
  /** Takes the arguments, or a whole tool call; answers with JSON, as a tool message carries it. */
  readonly invoke: (input: unknown, config?: { readonly signal?: AbortSignal }) => Promise<string>
}

/** For `bindTools` and a `ToolNode`. */
export function langChainTools(
  client: AgentClient,
  options?: ToolOptions,
): readonly LangChainTool[] {
  return paymentTools(client, options).map(({ name, description, input, run }) => ({
    name,
    description,
    schema: input,
    async invoke(given, { signal } = {}) {
      const { answer, isError } = await run(argumentsOf(given), signal)
      return JSON.stringify({ ...answer, is_error: isError })
    },
  }))
}

function argumentsOf(given: unknown): unknown {
  const isCall = typeof given === 'object' && given !== null && 'type' in given && 'args' in given
  return isCall && given.type === 'tool_call' ? given.args : given
}
