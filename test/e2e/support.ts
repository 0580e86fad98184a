// Real processes for the tests of this folder: our own command line, run as a user runs it. Each test
// ends what it started, by id.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import { createClient } from '../../src/client/index.ts'
import type { Client } from '../../src/client/index.ts'
import { childEnvironment } from '../../src/config.ts'

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export const agentToken = 'e2e_agent_token_0123456789'
export const operatorToken = 'e2e_operator_token_0123456789'

type Settings = Readonly<Record<string, string>>

type Cleanup = () => Promise<unknown> | void

const cleanups = new WeakMap<TestContext, Cleanup[]>()

/** At the end of the test, the last one first, each whatever became of the others. */
export function atEnd(t: TestContext, cleanup: Cleanup): void {
  const known = cleanups.get(t)
  if (known !== undefined) return void known.push(cleanup)
  const list = [cleanup]
  cleanups.set(t, list)
  t.after(async () => {
    for (const each of list.toReversed()) {
      await Promise.resolve()
        .then(each)
        .catch((error: unknown) => t.diagnostic(`cleaning up: ${String(error)}`))
    }
  })
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export async function run(
  args: readonly string[],
  settings: Settings = {},
  input = '',
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { env: childEnvironment(settings) })
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, stdout: await stdout, stderr: await stderr }
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

export interface Running {
  readonly url: string
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly stop: (signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT') => Promise<number | null>
}

/** Starts a command that listens; ended with the test at the latest. */
export async function start(
  t: TestContext,
  args: readonly string[],
  settings: Settings = {},
): Promise<Running> {
  const child = spawn(process.execPath, [program, ...args], { env: childEnvironment(settings) })
  const printed = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (printed.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (printed.stderr += String(chunk)))
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return exit
  }
  atEnd(t, () => stop('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  const url = await Promise.race([
    once(lines, 'line').then(([line]) => /^listening on (\S+)$/.exec(String(line))?.[1]),
    exit.then(() => undefined),
  ])
  if (url === undefined || child.pid === undefined) {
    throw new Error(`${args[0]} did not start: ${printed.stderr || printed.stdout}`)
  }
  return { url, pid: child.pid, stdout: () => printed.stdout, stderr: () => printed.stderr, stop }
}

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-e2e-'))
  atEnd(t, () => rm(folder, { recursive: true, force: true }))
  return folder
}

export function startSimulator(t: TestContext, folder: string, port = '0'): Promise<Running> {
  const timing = ['--late-ms', '300', '--slow-ms', '400', '--processing-ms', '200']
  return start(t, ['simulator', '--port', port, '--file', join(folder, 'simulator.db'), ...timing])
}

/** Settings of a service that gives up on a call after half a second. */
export function serviceSettings(data: string, simulatorUrl: string, more: Settings = {}): Settings {
  return {
    QUITTANCE_DATA: data,
    QUITTANCE_PORT: '0',
    QUITTANCE_SIMULATOR_URL: simulatorUrl,
    QUITTANCE_AGENT_TOKEN: agentToken,
    QUITTANCE_OPERATOR_TOKEN: operatorToken,
    QUITTANCE_CALL_TIMEOUT_MS: '500',
    QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS: '600',
    ...more,
  }
}

export const agentOf = (url: string, deadlineMs = 20_000): Client =>
  createClient({ url, token: agentToken, deadlineMs })

export const operatorOf = (url: string): Client =>
  createClient({ url, token: operatorToken, deadlineMs: 20_000 })

export interface LedgerCharge {
  readonly status: string
  readonly reference: string
  readonly amount_captured: number
  readonly captures: number
}

/** What the processor itself has booked. */
export async function ledgerOf(simulatorUrl: string): Promise<readonly LedgerCharge[]> {
  const response = await fetch(`${simulatorUrl}/ledger`, {
    headers: { authorization: 'Bearer sim_test_key' },
  })
  return ((await response.json()) as { charges: readonly LedgerCharge[] }).charges
}

export async function setFaults(simulatorUrl: string, plan: object): Promise<void> {
  await fetch(`${simulatorUrl}/faults`, {
    method: 'PUT',
    headers: { authorization: 'Bearer sim_test_key', 'content-type': 'application/json' },
    body: JSON.stringify(plan),
  })
}
