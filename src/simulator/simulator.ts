// The simulated processor: a service of its own with its own durable ledger, that behaves like the
// worst real one. It knows nothing of Quittance. README.md has its contract on one page.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'

import { lostCode } from './holds.ts'
import type { Ledger } from './ledger.ts'
import { settingsFrom } from './options.ts'
import type { SimulatorOptions } from './options.ts'
import { createRoutes } from './routes.ts'
import { openService } from './service.ts'

export interface Simulator {
  /** Rejects as `fetch` does where the client would lose its connection. */
  readonly app: Hono
  /** For checkers. */
  readonly ledger: Ledger
  /** Does what fell due by the clock. Every call does so first; a server does it all the time. */
  readonly catchUp: () => void
  readonly close: () => void
}

export interface RunningSimulator {
  readonly url: string
  readonly port: number
  /** Drops every connection, held ones too, and closes the ledger. */
  readonly close: () => Promise<void>
}

export interface Listening {
  /** 127.0.0.1 unless told. */
  readonly host?: string
  /** 0, or nothing, takes any free port. */
  readonly port?: number
}

/** How late at most an arrival, an expiry or a settlement happens when nobody calls. */
const tickMs = 25

/** Longer than clients keep idle connections: each reset is a fault that was asked for. */
const keepAliveMs = 120_000

/** The simulator without a socket. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const service = openService(settingsFrom(options))
  const { ledger, catchUp, close } = service
  return Object.freeze({ app: createRoutes(service), ledger, catchUp, close })
}

export async function startSimulator(
  options: SimulatorOptions & Listening = {},
): Promise<RunningSimulator> {
  const { host = '127.0.0.1', port = 0, ...rest } = options
  const simulator = createSimulator(rest)
  const listener = listenerOf(simulator.app)
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
  server.keepAliveTimeout = keepAliveMs
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    simulator.close()
    throw error
  }
  const tick = setInterval(simulator.catchUp, tickMs)
  // A listening TCP server has an address of this kind.
  const address = server.address() as AddressInfo
  return Object.freeze({
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    close: async () => {
      clearInterval(tick)
      if (server.listening) await closeServer(server)
      simulator.close()
    },
  })
}

/** Drops held connections as well. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

type Listener = ReturnType<typeof getRequestListener>

/** Carries requests to the app, and loses the connections that the app says are lost. */
function listenerOf(app: Hono): Listener {
  return getRequestListener(
    async (request, env) => {
      try {
        return await app.fetch(request, env)
      } catch (error) {
        const { socket } = env.incoming
        if (lostCode(error) === 'ECONNRESET') socket.resetAndDestroy()
        else socket.destroy()
        throw error
      }
    },
    // Nothing can be written any more.
    { errorHandler: () => undefined },
  )
}
