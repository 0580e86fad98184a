// Child processes of `start`, `demo` and the bench. Each is ended by its own id, whatever ends us: its
// standard input is a pipe that only we hold, so that even our own SIGKILL ends it.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { childEnvironment } from '../config.ts'

export interface Child {
  readonly pid: number
  readonly url: string
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Sends the signal and waits for the end; SIGKILL follows where nothing happens. */
  readonly end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

export interface ChildOptions {
  /** Words of our own command line. */
  readonly args: readonly string[]
  readonly settings: Readonly<Record<string, string>>
  /** The file that holds our command line; the one that runs now, unless told. */
  readonly program?: string
  /** Words before all others, of a program that runs ours as its own process id: a tracer. */
  readonly under?: readonly string[]
  /** Each line of its standard error. */
  readonly onLine?: (line: string) => void
}

/** Starting takes a quarter of a second; a busy machine may need much longer. */
const startWithinMs = 20_000
const endWithinMs = 10_000

const running = new Set<ChildProcess>()

/** Without waiting, also those that are only starting; for when we end ourselves. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}

process.once('exit', killChildren)

/** Starts our own program and waits until it prints `listening on URL`. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { args, settings, program = process.argv[1] ?? '', under = [], onLine } = options
  const words = [...under, process.execPath, program, ...args, '--end-with-input']
  const child = spawn(words[0] ?? '', words.slice(1), {
    env: childEnvironment(settings),
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: the terminal's Ctrl-C reaches us alone, and we end it in order.
    detached: true,
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  child.stdin.on('error', () => undefined)
  let lastLine = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLine = line
    onLine?.(line)
  })
  const url = await Promise.race([
    listening(child),
    ended.then(() => null),
    new Promise<null>((resolve) => setTimeout(resolve, startWithinMs, null).unref()),
  ]).catch(() => null)
  if (url === null || child.pid === undefined) {
    child.kill('SIGKILL')
    const why = lastLine.replace(/^quittance: /, '') || 'it said nothing'
    throw new Error(`The ${args[0]} process did not start: ${why}`)
  }
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  return Object.freeze<Child>({
    pid: child.pid,
    url,
    ended,
    end: endOf(child, ended, isRunning),
  })
}

async function listening(child: ChildProcess): Promise<string | null> {
  if (child.stdout === null) return null
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^listening on (\S+)$/.exec(line)?.[1]
    if (url === undefined) continue
    // Nobody reads what else it prints; a full pipe would hold it up.
    child.stdout.resume()
    return url
  }
  return null
}

function endOf(
  child: ChildProcess,
  ended: Promise<unknown>,
  isRunning: () => boolean,
): Child['end'] {
  return async (signal) => {
    if (!isRunning()) return
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), endWithinMs)
    await ended
    clearTimeout(timer)
  }
}
