// A service whose data folder is set back to a snapshot that was taken while it paid, against a processor
// that remembers everything: what is recovered, and what agents get who ask for all their bills again.
import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'

import { createClient } from '../src/client/index.ts'
import type { Client, PaymentResult, RecoveryObject } from '../src/client/index.ts'
import { readConfig } from '../src/config.ts'
import { openService } from '../src/embedded/service.ts'
import type { Service } from '../src/embedded/service.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import type { RunningSimulator } from '../src/simulator/simulator.ts'

const agentToken = 'restore_agent_token_0123456789'
export const operatorToken = 'restore_operator_token_0123456789'
const simulatorKey = 'sim_test_key'

export interface RestoreWorld {
  readonly folder: string
  readonly data: string
  readonly simulator: RunningSimulator
  readonly open: (more?: Readonly<Record<string, string>>) => Promise<Service>
  /** A consistent copy of the data folder, while the service runs. */
  readonly snapshot: (name: string) => Promise<string>
  /** The data folder is as the snapshot was; the service is stopped. */
  readonly setBack: (snapshot: string) => Promise<void>
  readonly charges: () => Promise<readonly Charge[]>
  readonly close: () => Promise<void>
}

export interface Charge {
  readonly id: string
  readonly payee: string
  readonly reference: string
  readonly amount_captured: number
  readonly amount_refunded: number
  readonly captures: number
}

export const agentOf = ({ url }: Service): Client =>
  createClient({ url, token: agentToken, deadlineMs: 20_000 })
export const impatientAgentOf = ({ url }: Service): Client =>
  createClient({ url, token: agentToken, deadlineMs: 1_000 })
export const operatorOf = ({ url }: Service): Client =>
  createClient({ url, token: operatorToken, deadlineMs: 20_000 })

export async function createRestoreWorld(): Promise<RestoreWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-restore-'))
  const data = join(folder, 'data')
  const simulator = await startSimulator({ lateMs: 100, slowMs: [50, 100], processingMs: 100 })
  const opened: Service[] = []
  return {
    folder,
    data,
    simulator,
    async open(more = {}) {
      const config = readConfig({
        QUITTANCE_DATA: data,
        QUITTANCE_PORT: '0',
        QUITTANCE_SIMULATOR_URL: simulator.url,
        QUITTANCE_AGENT_TOKEN: agentToken,
        QUITTANCE_OPERATOR_TOKEN: operatorToken,
        QUITTANCE_CALL_TIMEOUT_MS: '500',
        QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS: '600',
        QUITTANCE_RECONCILE_MINUTES: '0',
        ...more,
      })
      const service = await openService(config, { log: () => undefined })
      opened.push(service)
      return service
    },
    async snapshot(name) {
      const to = join(folder, name)
      await mkdir(to)
      for (const file of await readdir(data)) {
        // Of a database only its own backup is whole; its log and its lock belong to the running one.
        if (file.endsWith('.db')) {
          const source = new DatabaseSync(join(data, file), { readOnly: true })
          await backup(source, join(to, file))
          source.close()
        } else if (!/\.db-|\.lock|feed/.test(file)) await copyFile(join(data, file), join(to, file))
      }
      return to
    },
    async setBack(snapshot) {
      await rm(data, { recursive: true, force: true })
      await mkdir(data)
      for (const file of await readdir(snapshot)) {
        await copyFile(join(snapshot, file), join(data, file))
      }
    },
    async charges() {
      const response = await fetch(`${simulator.url}/ledger`, {
        headers: { authorization: `Bearer ${simulatorKey}` },
      })
      return ((await response.json()) as { charges: readonly Charge[] }).charges
    },
    async close() {
      await Promise.all(opened.map((service) => service.stop().catch(() => undefined)))
      await simulator.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export async function setFaults({ simulator }: RestoreWorld, plan: object): Promise<void> {
  await fetch(`${simulator.url}/faults`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${simulatorKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(plan),
  })
}

// ── The whole story ──────────────────────────────────────────────────────────────────────────────

interface Bill {
  readonly payee: string
  readonly reference: string
  readonly amount: number
  readonly currency: string
  readonly batch?: string
}

export interface RestoreFigures {
  readonly bills: number
  readonly paid: number
  readonly recovered: number
  /** Asked under the same key after the restore: got the payment that there was. */
  readonly replayed: number
  readonly double_charges: number
  readonly lost: number
}

/** So few that some look alike, so many that each bill is told apart at the processor. */
const billOf = (number: number): Bill => ({
  payee: `acct_${number}`,
  reference: `INV ${number}`,
  amount: 1_000 + (number % 7),
  currency: 'EUR',
  ...(number % 2 === 0 ? { batch: 'march' } : {}),
})

const faulty = {
  seed: 7,
  rates: {
    authorise: { '504_after': 0.1, reset_after: 0.05, '504_before': 0.05, '429': 0.05 },
    capture: { '504_after': 0.1, reset_after: 0.05, '504_before': 0.05, slow: 0.05 },
  },
}

type Key = (bill: Bill) => string

export async function runRestore(
  count: number,
  say: (what: string) => void = () => undefined,
): Promise<RestoreFigures> {
  const world = await createRestoreWorld()
  try {
    await setFaults(world, faulty)
    const bills = Array.from({ length: count }, (_, index) => billOf(index + 1))
    const third = Math.ceil(count / 3)
    const before = await world.open()
    await payAll(agentOf(before), bills.slice(0, third), firstKey, 0)
    const snapshot = await world.snapshot('snapshot')
    say(`snapshot after ${third} bills were asked for, most of them on their way`)
    await payAll(agentOf(before), bills.slice(third, 2 * third), firstKey, 20)
    await payAll(agentOf(before), bills.slice(0, third), firstKey, 20)
    await before.stop()
    const captured = (await world.charges()).filter((each) => each.captures > 0).length
    say(`${captured} bills are paid; the service is stopped and set back`)
    await world.setBack(snapshot)
    const recovered = await recoverAll(world, say)
    const after = await world.open()
    const again = await payAll(agentOf(after), bills, firstKey, 20)
    say('all agents have asked for all bills again, under the same keys')
    await payAll(agentOf(after), bills, otherKey, 20)
    say('and under new ones')
    const figures = judge(bills, await world.charges())
    const replayed = again.filter((told) => told.ok && told.replayed).length
    return { bills: count, recovered, replayed, ...figures }
  } finally {
    await world.close()
  }
}

const firstKey: Key = ({ reference }) => `key of ${reference}`.replaceAll(' ', '-')
const otherKey: Key = ({ reference }) => `another key of ${reference}`.replaceAll(' ', '-')

/** Eight agents at once. */
async function payAll(
  agent: Client,
  bills: readonly Bill[],
  key: Key,
  waitSeconds: number,
): Promise<readonly PaymentResult[]> {
  const left = [...bills]
  const told: PaymentResult[] = []
  const work = async (): Promise<void> => {
    for (let bill = left.shift(); bill !== undefined; bill = left.shift()) {
      told.push(await agent.pay(bill, { key: key(bill), waitSeconds }))
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return told
}

/** Opens read-only, rebuilds, is broken off and rebuilt again, and confirms. */
async function recoverAll(world: RestoreWorld, say: (what: string) => void): Promise<number> {
  const service = await world.open()
  const operator = operatorOf(service)
  const shown = await operator.recovery()
  assert(shown.ok && shown.recovery.status === 'read_only', JSON.stringify(shown))
  const sent = (await world.charges()).length
  const refused = await impatientAgentOf(service).pay(billOf(1), { key: firstKey(billOf(1)) })
  assert(!refused.ok && refused.problem.code === 'not_ready', JSON.stringify(refused))
  assert.equal(refused.problem.next_action.type, 'retry_same_key')
  assert((await operator.list({ limit: 1 })).ok, 'reads work')
  say(`it opened read-only: ${shown.recovery.unknown} objects are unknown`)
  const early = await operator.confirmRecovery({ reason: 'too early' })
  assert(!early.ok && early.problem.code === 'recovery_incomplete', JSON.stringify(early))
  const first = await operator.rebuild({ reason: 'disk failed' })
  assert(first.ok, JSON.stringify(first))
  await service.stop()
  const next = await world.open()
  const rest = await rebuildAll(operatorOf(next))
  assert.deepEqual(
    [...first.data, ...rest].filter(({ result }) => result === 'left'),
    [],
  )
  assert.deepEqual(await rebuildAll(operatorOf(next)), [], 'a second pass finds nothing')
  assert.equal((await world.charges()).length, sent, 'something was sent while it was read-only')
  const opened = await operatorOf(next).confirmRecovery({ reason: 'compared' })
  assert(opened.ok && opened.recovery.status === 'open', JSON.stringify(opened))
  await next.stop()
  say(`${first.data.length + rest.length} payments were rebuilt or brought up to date`)
  return first.data.length + rest.length
}

async function rebuildAll(operator: Client): Promise<readonly RecoveryObject[]> {
  const rows: RecoveryObject[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const from = cursor === undefined ? {} : { cursor }
    const page = await operator.rebuild({ reason: 'disk failed', ...from })
    assert(page.ok, JSON.stringify(page))
    rows.push(...page.data)
    cursor = page.cursor
  }
  return rows
}

function judge(
  bills: readonly Bill[],
  charges: readonly Charge[],
): Pick<RestoreFigures, 'paid' | 'double_charges' | 'lost'> {
  const captures = new Map<string, number>()
  for (const { payee, captures: count } of charges) {
    captures.set(payee, (captures.get(payee) ?? 0) + count)
  }
  const counts = bills.map(({ payee }) => captures.get(payee) ?? 0)
  return {
    paid: counts.filter((each) => each > 0).length,
    double_charges: counts.filter((each) => each > 1).length,
    lost: counts.filter((each) => each === 0).length,
  }
}
