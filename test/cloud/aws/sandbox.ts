// One execution environment of a function: a process that runs its bundle, one invocation at a time,
// frozen in between, and killed where its time is over.
// Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
// Not here: memory limits, arm64, the ten seconds for the start, /tmp, snapshots.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'

import { sameClock } from '../time.ts'
import { keepUntilExit } from './children.ts'

export interface FunctionError {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

export type Result =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionError }

export interface Invoked {
  readonly result: Result
  /** On the clock of the run: at a factor above one work seems longer than it is, never shorter. */
  readonly tookMs: number
}

export interface SandboxOptions {
  readonly arn: string
  readonly bundle: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly onOutput: (text: string) => void
}

export interface Sandbox {
  readonly invoke: (event: unknown) => Promise<Invoked>
  /** Kills the process in the middle of what it does. */
  readonly kill: () => void
  readonly isAlive: () => boolean
  readonly stop: () => Promise<void>
}

const shim = fileURLToPath(new URL('shim.ts', import.meta.url))
const time = new URL('../time.ts', import.meta.url).href

type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: FunctionError }
  | { readonly type: 'answer'; readonly requestId: string; readonly payload: string }
  | { readonly type: 'error'; readonly requestId: string; readonly error: FunctionError }

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const child = fork(shim, [options.bundle, options.arn], {
    env: { ...options.env, ...sameClock() },
    execArgv: ['--import', time],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  child.stdout?.on('data', (chunk) => options.onOutput(String(chunk)))
  child.stderr?.on('data', (chunk) => options.onOutput(String(chunk)))
  const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  const life = { isOver: false }
  const kill = (): void => {
    life.isOver = true
    child.kill('SIGKILL')
  }
  child.once('exit', () => (life.isOver = true))
  // Whoever sends to a process that has just ended learns of it by its exit.
  child.on('error', () => (life.isOver = true))
  keepUntilExit(child)
  const first = await nextMessage(child)
  if (first?.type !== 'ready') {
    kill()
    throw new Error(`${options.arn} does not start: ${JSON.stringify(first)}`)
  }
  child.kill('SIGSTOP')
  return Object.freeze({
    invoke: async (event: unknown) => invoke(child, kill, event, options),
    kill,
    isAlive: () => !life.isOver,
    stop: async () => {
      kill()
      await gone
    },
  })
}

async function invoke(
  child: ChildProcess,
  kill: () => void,
  event: unknown,
  { timeoutMs }: SandboxOptions,
): Promise<Invoked> {
  const requestId = randomUUID()
  const startedAtMs = performance.now()
  child.kill('SIGCONT')
  child.send({ requestId, event, deadlineMs: Date.now() + timeoutMs })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    kill()
  }, timeoutMs)
  const message = await nextMessage(child)
  clearTimeout(timer)
  child.kill('SIGSTOP')
  const tookMs = performance.now() - startedAtMs
  return { result: resultOf(message, requestId, isLate, timeoutMs), tookMs }
}

/** `null`: the process has ended instead. */
async function nextMessage(child: ChildProcess): Promise<Message | null> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown): void => done(message as Message) // only shim.ts sends
    const onExit = (): void => done(null)
    const done = (message: Message | null): void => {
      child.off('message', onMessage)
      child.off('exit', onExit)
      resolve(message)
    }
    child.once('message', onMessage)
    child.once('exit', onExit)
    if (child.exitCode !== null || child.signalCode !== null) done(null)
  })
}

function resultOf(
  message: Message | null,
  requestId: string,
  isLate: boolean,
  timeoutMs: number,
): Result {
  const failed = (errorType: string, text: string): Result => ({
    ok: false,
    error: { errorType, errorMessage: `RequestId: ${requestId} Error: ${text}` },
  })
  if (message?.type === 'answer') return { ok: true, payload: message.payload }
  if (message?.type === 'error') return { ok: false, error: message.error }
  if (isLate) {
    return failed(
      'Sandbox.Timedout',
      `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
    )
  }
  return failed('Runtime.ExitError', 'Runtime exited with error: signal: killed')
}
