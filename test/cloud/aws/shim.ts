// Inside a function's process: loads the bundle, runs one invocation at a time and says what came of
// it in the shape of the Node.js runtime. Source: Lambda Developer Guide, "Define Lambda function
// handler in Node.js" and "Function errors"; the shape of errors is that of
// aws-lambda-nodejs-runtime-interface-client. Not here: streaming answers, callbacks, extensions.
import { isNativeError } from 'node:util/types'

interface Invocation {
  readonly requestId: string
  readonly event: unknown
  readonly deadlineMs: number
}

interface Context {
  readonly awsRequestId: string
  readonly functionName: string
  readonly invokedFunctionArn: string
  readonly memoryLimitInMB: string
  readonly getRemainingTimeInMillis: () => number
}

type Handler = (event: unknown, context: Context) => unknown

const [bundle = '', functionArn = ''] = process.argv.slice(2)
const say = (message: object): void => void process.send?.(message)

// Without its runner it has no use.
process.on('disconnect', () => process.exit(0))

const { handler } = (await load()) as { readonly handler: Handler }
process.on('message', (invocation) => void run(invocation as Invocation)) // only lambda.ts sends
say({ type: 'ready' })

async function load(): Promise<unknown> {
  try {
    return await import(bundle)
  } catch (error) {
    say({ type: 'failed', error: shown(error) })
    process.exit(1)
  }
}

async function run({ requestId, event, deadlineMs }: Invocation): Promise<void> {
  try {
    const answer = await handler(event, {
      awsRequestId: requestId,
      functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? '',
      invokedFunctionArn: functionArn,
      memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? '',
      getRemainingTimeInMillis: () => deadlineMs - Date.now(),
    })
    say({ type: 'answer', requestId, payload: JSON.stringify(answer ?? null) })
  } catch (error) {
    say({ type: 'error', requestId, error: shown(error) })
  }
}

function shown(error: unknown): object {
  if (isNativeError(error)) {
    const trace = (error.stack ?? '').split('\n')
    return { errorType: error.name, errorMessage: error.message, trace }
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] }
}
