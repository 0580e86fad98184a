// A DynamoDB for tests: an endpoint from the environment, or a local emulator of our own, in memory, on a
// port of its own, gone with this process. Where neither is there, the tests say so and why.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { openClient } from '../dynamodb/client.ts'

export interface DynamoServer {
  readonly client: DynamoDBClient
  /** What has to know the endpoint besides. */
  readonly endpoint: string
}

const endpointVariable = 'QUITTANCE_TEST_DYNAMODB_ENDPOINT'
const cloudTests = new URL('../../../test/cloud/package.json', import.meta.url)

let server: Promise<DynamoServer | null> | undefined

/** One for each process, started when it is first asked for; `null`: there is none to be had. */
export function dynamoServer(): Promise<DynamoServer | null> {
  server ??= startServer()
  return server
}

async function startServer(): Promise<DynamoServer | null> {
  const given = process.env[endpointVariable]
  const program = findEmulator()
  if (given === undefined && program === null) return null
  const endpoint = given ?? (await startEmulator(program ?? ''))
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  return { endpoint, client: openClient({ endpoint, region: 'us-east-1', credentials }) }
}

/** It comes with the workspace of the cloud tests, and only for Linux. */
function findEmulator(): string | null {
  try {
    return createRequire(cloudTests).resolve('@dynoxide/linux-x64/dynoxide')
  } catch {
    return null
  }
}

// The shell's standard input is ours: it ends however this process ends, and takes the emulator along.
async function startEmulator(program: string): Promise<string> {
  const port = await freePort()
  const script = `"$0" --port ${port} >/dev/null 2>&1 & read _; kill $!; wait`
  const child = spawn('/bin/sh', ['-c', script, program], { stdio: ['pipe', 'ignore', 'inherit'] })
  // Tests that are done need not wait for it.
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  for (let tries = 0; !(await isListening(port)); tries += 1) {
    if (tries === 200 || child.exitCode !== null) throw new Error('the emulator does not start')
    await sleep(25)
  }
  return `http://127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port was given')
  return address.port
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Says loudly that these tests do not run; where they have to run, that is a failure. */
export function skipWithoutServer(context: TestContext): void {
  const why =
    `no DynamoDB to test with: set ${endpointVariable}, or on Linux install the emulator with ` +
    '`node scripts/bootstrap.js test/cloud`'
  if (process.env['CI'] === 'true') throw new Error(why)
  context.skip(why)
}
