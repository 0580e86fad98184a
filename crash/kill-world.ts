// What the kills happen to: the real service and the simulated processor as processes, agents with
// bad habits, and a record of each key that was acknowledged.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { startChild } from '../src/cli/children.ts'
import type { Child } from '../src/cli/children.ts'
import { newChronicle } from '../src/cli/demo/agent.ts'
import type { Chronicle, DemoAgent } from '../src/cli/demo/agent.ts'
import type { DemoBill } from '../src/cli/demo/bills.ts'
import { faultPlan } from '../src/cli/demo/faults.ts'
import { lateMs, startKillableService } from '../src/cli/demo/killable-service.ts'
import type { KillableService, Surroundings } from '../src/cli/demo/killable-service.ts'
import { openProcessorSide } from '../src/cli/demo/processor-side.ts'
import type { ProcessorSide } from '../src/cli/demo/processor-side.ts'
import { makeAgents } from '../src/cli/demo/workload.ts'
import { createClient } from '../src/client/index.ts'
import type { Client } from '../src/client/index.ts'
import { keyRowKey } from '../src/core/guards.ts'
import type { Mutant } from '../test/mutants/list.ts'
import { points } from './point-names.ts'
import type { PointName } from './point-names.ts'
import { preloading } from './preload.ts'
import { openWebhookDoor } from './webhook-door.ts'
import type { WebhookDoor } from './webhook-door.ts'

export const program = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const killer = new URL('points.ts', import.meta.url)

/** The n-th passing of a point. */
export interface Aim {
  readonly point: PointName
  readonly nth: number
}

export interface KillWorld {
  readonly dataFolder: string
  readonly service: KillableService
  readonly simulator: Child
  readonly processor: ProcessorSide
  readonly operator: Client
  readonly agents: readonly DemoAgent[]
  readonly chronicle: Chronicle
  /** Row key of an idempotency key → the payment that was acknowledged for it. */
  readonly acknowledged: ReadonlyMap<string, string>
  readonly webhooks: WebhookDoor
  /** What the next start is killed at. */
  readonly aim: (at: Aim | null) => void
  /** Points that were hit, in their order. */
  readonly hits: () => readonly string[]
  /** Everything that a second process on the same file needs. */
  readonly settings: Readonly<Record<string, string>>
}

export interface KillWorldOptions {
  readonly folder: string
  readonly seed: number
  readonly bills: readonly DemoBill[]
  /** The source of the service is changed by these. */
  readonly patches: readonly Mutant[]
  readonly say: (line: string) => void
  /** In place of kills at named points: what each start is run under. */
  readonly surroundings?: () => Promise<Surroundings>
}

/** A plan of faults may have 64 KiB: bills beyond these meet faults at these rates. */
const scriptedBills = 120
const writes = { '504_after': 0.06, '504_before': 0.03, reset_after: 0.04, reset_before: 0.03 }
const others = { late: 0.02, '429': 0.02, slow: 0.03, drop_webhook: 0.03, duplicate_webhook: 0.03 }
const rates = {
  authorise: { ...writes, ...others },
  capture: { ...writes, ...others },
  look_up: { '504_before': 0.03, reset_before: 0.02 },
}

const apiKey = 'sim_crash_key'
const webhookSecret = 'sim_crash_webhook_secret'
const operatorDeadlineMs = 30_000
/** Longer than all kills together: no agent gives up for them. */
const agentDeadlineMs = 30 * 60_000

export async function openKillWorld(options: KillWorldOptions): Promise<KillWorld> {
  const { folder, seed, bills, patches, say } = options
  const dataFolder = join(folder, 'data')
  const simulator = await startSimulator(join(folder, 'simulator.db'), seed)
  const processor = openProcessorSide(simulator.url, apiKey)
  await processor.setFaults({ ...faultPlan(bills.slice(0, scriptedBills), seed), rates })
  const log = join(folder, 'points.log')
  let aimed: Aim | null = null
  const token = (): string => `qt_crash_${randomBytes(24).toString('base64url')}`
  const [agentToken, operatorToken] = [token(), token()]
  const begin = (): Promise<KillableService> =>
    startKillableService({
      dataFolder,
      simulatorUrl: simulator.url,
      simulatorKey: apiKey,
      webhookSecret,
      agentToken,
      operatorToken,
      program,
      onLine: (line) => onServiceLine(line, say),
      surroundings: options.surroundings ?? (() => surroundingsOf(aimed, log, patches)),
    })
  const hits = (): readonly string[] =>
    existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []
  const isTraced = options.surroundings !== undefined
  const service = await (isTraced ? begin() : beginAtLast(begin, (at) => (aimed = at)))
  const webhooks = await openWebhookDoor(service.url)
  await processor.setWebhook(webhooks.url, webhookSecret)
  const operator = createClient({
    url: service.url,
    token: operatorToken,
    deadlineMs: operatorDeadlineMs,
  })
  const chronicle = newChronicle()
  const acknowledged = new Map<string, string>()
  const agents = await makeAgents(operator, service.url, bills, chronicle, (agentId) => ({
    fetch: recording(agentId, acknowledged),
    deadlineMs: agentDeadlineMs,
  }))
  const settings = { QUITTANCE_DATA: dataFolder, QUITTANCE_SIMULATOR_URL: simulator.url }
  const aim = (at: Aim | null): void => void (aimed = at)
  const parties = { service, simulator, processor, webhooks, operator, agents, chronicle }
  return { dataFolder, ...parties, acknowledged, aim, hits, settings }
}

function startSimulator(file: string, seed: number): Promise<Child> {
  const timing = ['--late-ms', String(lateMs), '--slow-ms', '800', '--processing-ms', '400']
  return startChild({
    program,
    args: ['simulator', '--port', '0', '--file', file, '--seed', String(seed), ...timing],
    settings: { QUITTANCE_SIMULATOR_KEY: apiKey },
  })
}

function surroundingsOf(at: Aim | null, log: string, patches: readonly Mutant[]): Surroundings {
  if (at === null) return { settings: preloading(patches) }
  const aimed = { CRASH_POINT: `${at.point}:${at.nth}`, CRASH_LOG: log }
  return { settings: { ...preloading(patches, killer), ...aimed } }
}

/** The points of a first start, each once, on the same folder; then a start that is let live. */
async function beginAtLast(
  begin: () => Promise<KillableService>,
  aim: (at: Aim | null) => void,
): Promise<KillableService> {
  for (const [name, { at, most }] of Object.entries(points)) {
    if (at !== 'first_start') continue
    for (let nth = 1; nth <= most; nth += 1) {
      aim({ point: name as PointName, nth }) // `Object.entries` forgets which keys they are
      const survivor = await begin().catch(() => null)
      // A migration that an earlier start has done is not done again.
      await survivor?.end()
    }
  }
  aim(null)
  return begin()
}

// A bug of ours must not hide behind a good end.
function onServiceLine(line: string, say: (line: string) => void): void {
  if (/"kind":"(bug|http_fault|key_mismatch|duplicate_object)"/.test(line)) {
    say(`service: ${line.slice(0, 500)}`)
  }
}

/** A fetch that notes which payment was acknowledged for a key. */
export function recording(
  agentId: string,
  acknowledged: Map<string, string>,
): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const key = new Headers(init?.headers).get('idempotency-key')
    const path = new URL(input instanceof Request ? input.url : input).pathname
    if (!response.ok || key === null || path !== '/v1/payments') return response
    // The body may still break off; then nothing was acknowledged.
    const body = (await response
      .clone()
      .json()
      .catch(() => null)) as { id?: string } | null
    const row = keyRowKey(agentId, 'POST', path, key)
    if (body?.id !== undefined) acknowledged.set(row, body.id)
    return response
  }
}
