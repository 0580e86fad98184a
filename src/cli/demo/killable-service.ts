// The service of the demo as its own process, which is killed and started again on the same file and
// the same port.
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { startChild } from '../children.ts'
import type { Child } from '../children.ts'

export interface KillableService {
  readonly url: string
  /** SIGKILL, a pause, and a new process on the same file. */
  readonly killAndRestart: (pauseMs: number, signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>
  /** Resolves once the process that runs now is gone, whoever ended it. */
  readonly gone: () => Promise<void>
  readonly end: () => Promise<void>
}

export interface ServiceProcess {
  readonly dataFolder: string
  readonly simulatorUrl: string
  readonly simulatorKey: string
  readonly webhookSecret: string
  readonly agentToken: string
  readonly operatorToken: string
  readonly onLine: (line: string) => void
  /** The file that holds our command line; the one that runs now, unless told. */
  readonly program?: string
  /** What else belongs to a start; asked for at each one, when the process before it is gone. */
  readonly surroundings?: () => Surroundings | Promise<Surroundings>
}

export interface Surroundings {
  readonly settings: Readonly<Record<string, string>>
  /** Words of a program that it runs under. */
  readonly under?: readonly string[]
}

/** Short, so that a lost answer costs a second and not ten; the rest follows from it. */
const callTimeoutMs = 900

/** Above the simulator's own lateness, which the demo sets with it. */
export const absenceAfterMs = 900
export const lateMs = 500

export async function startKillableService(given: ServiceProcess): Promise<KillableService> {
  const port = await freePort()
  const settings = {
    QUITTANCE_PORT: String(port),
    QUITTANCE_DATA: given.dataFolder,
    QUITTANCE_SIMULATOR_URL: given.simulatorUrl,
    QUITTANCE_SIMULATOR_KEY: given.simulatorKey,
    QUITTANCE_SIMULATOR_WEBHOOK_SECRET: given.webhookSecret,
    QUITTANCE_AGENT_TOKEN: given.agentToken,
    QUITTANCE_OPERATOR_TOKEN: given.operatorToken,
    QUITTANCE_CALL_TIMEOUT_MS: String(callTimeoutMs),
    QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS: String(absenceAfterMs),
  }
  const { onLine, program, surroundings } = given
  const begin = async (): Promise<Child> => {
    const { settings: more, ...around } = (await surroundings?.()) ?? { settings: {} }
    const own = program === undefined ? {} : { program }
    return startChild({
      args: ['serve'],
      settings: { ...settings, ...more },
      onLine,
      ...around,
      ...own,
    })
  }
  let child = await begin()
  let ended = false
  return Object.freeze<KillableService>({
    url: child.url,
    killAndRestart: async (pauseMs, signal = 'SIGKILL') => {
      await child.end(signal)
      await sleep(pauseMs)
      if (!ended) child = await begin()
    },
    gone: async () => void (await child.ended),
    end: async () => {
      ended = true
      await child.end('SIGTERM')
    },
  })
}

/**
 * A port that agents can come back to. Below the range from which the kernel takes ports for outgoing
 * connections: those of the agents must not occupy it while the service is down.
 */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    if (await isFree(port)) return port
  }
  return 0
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
