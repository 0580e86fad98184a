// The real service on a fresh folder, with the simulated processor beside it, and a browser in front:
// what a person has after `npm start`.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'

import { startSimulator } from '../../src/simulator/simulator.ts'

const root = join(import.meta.dirname, '..', '..')

/** Where Debian puts it, and other systems. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const chromiumPath: string | null = places.find((path) => existsSync(path)) ?? null

export const viewerToken = 'viewer-token-of-the-tests'

export interface World {
  readonly url: string
  readonly simulator: string
  /** From now on the processor refuses our credentials, or knows them again. */
  readonly refuse: (isRefused: boolean) => void
  readonly tokens: { readonly agentToken: string; readonly operatorToken: string }
  readonly browser: Browser
  /** A request of an agent or an operator, past the browser. */
  readonly ask: (method: string, path: string, asking?: Asking) => Promise<Answer>
  readonly close: () => Promise<void>
}

interface Asking {
  readonly as?: 'agent' | 'operator'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> & { readonly data?: readonly { id: string }[] }
}

export async function openWorld(settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-console-'))
  const simulated = await startSimulator({ file: join(folder, 'simulator.db') })
  const front = await openFront(simulated.url)
  const service = start(folder, { QUITTANCE_SIMULATOR_URL: front.url, ...settings })
  const { listening: url } = await firstLine(service)
  const webhook = { url: `${url}/webhooks/simulated`, secret: 'sim_webhook_secret' }
  await tellSimulator(simulated.url, 'PUT', '/v1/webhook', webhook)
  const tokens = JSON.parse(readFileSync(join(folder, 'tokens.json'), 'utf8')) as World['tokens']
  const browser = await chromium.launch({
    executablePath: chromiumPath ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  })
  return {
    url,
    simulator: simulated.url,
    refuse: front.refuse,
    tokens,
    browser,
    async ask(method, path, { as = 'agent', body, headers = {} } = {}) {
      const token = as === 'agent' ? tokens.agentToken : tokens.operatorToken
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Answer['body'] }
    },
    async close() {
      await browser.close()
      service.stdin?.end()
      if (service.exitCode === null) await once(service, 'exit')
      await front.close()
      await simulated.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Between the service and its processor: passes everything on, or says 401 to what moves money. */
async function openFront(behind: string) {
  let isRefused = false
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer) // a request gives bytes
      if (isRefused && request.method === 'POST') {
        response.writeHead(401, { 'content-type': 'application/json', 'request-id': 'req_front' })
        response.end('{"error":{"type":"api","code":"unauthorised","message":"key revoked"}}')
        return
      }
      const { host: _, connection: __, ...headers } = request.headers
      const answer = await fetch(`${behind}${request.url}`, {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>, // ours have one value each
        body: chunks.length === 0 ? null : Buffer.concat(chunks),
      }).catch(() => null)
      if (answer === null) return request.socket.destroy()
      const {
        'content-encoding': ___,
        'content-length': ____,
        ...kept
      } = Object.fromEntries(answer.headers)
      response.writeHead(answer.status, kept).end(await answer.text())
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('listening on no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    refuse: (value: boolean) => void (isRefused = value),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export async function tellSimulator(url: string, method: string, path: string, body: unknown) {
  const headers = { authorization: 'Bearer sim_test_key', 'content-type': 'application/json' }
  const answer = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
}

function start(folder: string, settings: Readonly<Record<string, string>>): ChildProcess {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('QUITTANCE_'))
  const args = ['src/cli/main.ts', 'start', '--json', '--end-with-input']
  return spawn(process.execPath, args, {
    cwd: root,
    env: {
      ...Object.fromEntries(others),
      QUITTANCE_DATA: folder,
      QUITTANCE_PORT: '0',
      QUITTANCE_AGENT_RATE: 'off',
      QUITTANCE_VIEWER_TOKEN: viewerToken,
      ...settings,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

async function firstLine(service: ChildProcess): Promise<{ listening: string }> {
  if (service.stdout === null) throw new Error('the service has no output')
  for await (const line of createInterface({ input: service.stdout })) {
    return JSON.parse(line) as { listening: string }
  }
  throw new Error('the service ended before it listened; run `npm start` to see why')
}

export interface Visit {
  readonly context: BrowserContext
  readonly page: Page
  /** Whatever the page complained about: a refused script, a fault, a request that failed. */
  readonly complaints: readonly string[]
}

export async function visit(
  { browser, url }: Pick<World, 'browser' | 'url'>,
  look: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: url,
    colorScheme: look.colorScheme ?? 'light',
    viewport: { width: look.width ?? 1360, height: 860 },
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A 401, 404 or 409 is an answer; the page says what it means.
    const isAnswer = message.text().includes('Failed to load resource')
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text())
  })
  return { context, page, complaints }
}

export async function signIn(
  world: { readonly tokens: { readonly operatorToken: string } },
  page: Page,
  token = world.tokens.operatorToken,
) {
  await page.goto('/')
  await page.getByLabel('Operator token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
}

/** Asks until it is so; a page or a payment takes its time. */
export async function until<T>(
  look: () => Promise<T | null | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const endsAtMs = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    if (Date.now() > endsAtMs) throw new Error('it did not come to that in time')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
