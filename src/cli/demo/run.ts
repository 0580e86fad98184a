// The demo from beginning to end: real processes, real HTTP, real SIGKILL, and at the end the
// processor's own ledger beside ours.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { createClient } from '../../client/index.ts'
import type { Client, Payment, Reconciliation } from '../../client/index.ts'
import { killChildren, startChild } from '../children.ts'
import type { Child } from '../children.ts'
import { newChronicle } from './agent.ts'
import type { Chronicle } from './agent.ts'
import type { DemoBill } from './bills.ts'
import { check } from './check.ts'
import type { Verdict } from './check.ts'
import { converge, readAll } from './converge.ts'
import type { Shown } from './converge.ts'
import { faultPlan } from './faults.ts'
import { killing } from './killing.ts'
import { absenceAfterMs, lateMs, startKillableService } from './killable-service.ts'
import type { KillableService } from './killable-service.ts'
import { outageFigures, planOutage } from './outage.ts'
import type { Outage, OutageFigures } from './outage.ts'
import { openProcessorSide } from './processor-side.ts'
import type { Charge, ProcessorSide, ProcessorStats } from './processor-side.ts'
import { randomOf } from './random.ts'
import { tellStory } from './story.ts'
import type { Story } from './story.ts'
import { makeAgents, work } from './workload.ts'

export type Plant = 'double-charge' | 'unpaid'

export interface DemoOptions {
  readonly bills: readonly DemoBill[]
  readonly seed: number
  readonly kills: number
  /** The processor is out for a while, in place of single faults. */
  readonly outage: boolean
  readonly plant: Plant | null
  readonly keep: boolean
  /** A line for whoever watches. */
  readonly say: (line: string) => void
  readonly onProgress: (progress: Progress) => void
}

export interface Progress {
  /** Bills that their agent is done with; of these, those whose money moved, and those that ended without. */
  readonly done: number
  readonly paid: number
  readonly unpaid: number
  readonly restarts: number
  readonly stats: ProcessorStats | null
}

export interface DemoResult {
  readonly verdict: Verdict
  readonly story: Story
  readonly chronicle: Chronicle
  readonly stats: ProcessorStats
  readonly payments: readonly Payment[]
  readonly charges: readonly Charge[]
  readonly restarts: number
  readonly tookMs: number
  readonly folder: string | null
  readonly outage: OutageFigures | null
  /** What the service itself found, comparing with the processor's records. */
  readonly reconciliation: Reconciliation
}

const apiKey = 'sim_demo_key'
const webhookSecret = 'sim_demo_webhook_secret'

/**
 * A quiet machine needs less than half a minute for all; a busy one is given more, and so is a breaker that
 * has opened: the processor's faults may fall on one probe after the other, and each waits twice as long.
 */
const workWithinMs = 90_000
const convergeWithinMs = 60_000
const reconcileWithinMs = 20_000

/** Everything that must not outlive us. */
interface World {
  readonly folder: string
  readonly simulator: Child
  readonly service: KillableService
  readonly processor: ProcessorSide
  readonly operator: Client
}

export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const startedMs = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'quittance-demo-'))
  const cleanUp = (): void => {
    killChildren()
    if (!options.keep) rmSync(folder, { recursive: true, force: true })
  }
  // Also on Ctrl-C and on a bug: the handler of the signal ends the process, and this runs then.
  process.once('exit', cleanUp)
  const interrupt = (): never => process.exit(130)
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const world = await begin(folder, options)
    const result = await play(world, options)
    await world.service.end()
    await world.simulator.end('SIGTERM')
    return {
      ...result,
      tookMs: performance.now() - startedMs,
      folder: options.keep ? folder : null,
    }
  } finally {
    process.off('exit', cleanUp).off('SIGINT', interrupt).off('SIGTERM', interrupt)
    cleanUp()
  }
}

async function begin(folder: string, options: DemoOptions): Promise<World> {
  const { seed, bills, say } = options
  const simulator = await startChild({
    args: simulatorArgs(join(folder, 'simulator.db'), seed),
    settings: { QUITTANCE_SIMULATOR_KEY: apiKey },
  })
  const processor = openProcessorSide(simulator.url, apiKey)
  if (!options.outage) await processor.setFaults(faultPlan(bills, seed))
  const token = (): string => `qt_demo_${randomBytes(24).toString('base64url')}`
  const operatorToken = token()
  const service = await startKillableService({
    dataFolder: join(folder, 'data'),
    simulatorUrl: simulator.url,
    simulatorKey: apiKey,
    webhookSecret,
    agentToken: token(),
    operatorToken,
    onLine: (line) => onServiceLine(line, say),
  })
  await processor.setWebhook(`${service.url}/webhooks/simulated`, webhookSecret)
  const operator = createClient({ url: service.url, token: operatorToken, deadlineMs: 15_000 })
  say(
    `simulated processor on ${simulator.url} (pid ${simulator.pid}), service on ${service.url}; seed ${seed}`,
  )
  return { folder, simulator, service, processor, operator }
}

function simulatorArgs(file: string, seed: number): readonly string[] {
  const timing = ['--late-ms', String(lateMs), '--slow-ms', '800', '--processing-ms', '400']
  return ['simulator', '--port', '0', '--file', file, '--seed', String(seed), ...timing]
}

// A bug of ours must not hide behind a good end.
function onServiceLine(line: string, say: (line: string) => void): void {
  if (/"kind":"(bug|http_fault|key_mismatch|duplicate_object)"/.test(line))
    say(`service: ${line.slice(0, 500)}`)
}

type Played = Omit<DemoResult, 'tookMs' | 'folder'>

async function play(world: World, options: DemoOptions): Promise<Played> {
  const { bills, seed, plant, say } = options
  const { service, processor, operator } = world
  const chronicle = newChronicle()
  const agents = await makeAgents(operator, service.url, bills, chronicle)
  const count = { done: 0, paid: 0, unpaid: 0 }
  const outage = options.outage ? planOutage(processor, service, bills.length, say) : null
  const killer =
    outage ?? killing(service, { bills: bills.length, seed, kills: options.kills, say })
  say(`${bills.length} bills, ${agents.length} agents; ${ahead(options)}`)
  const stopWatching = watch(processor, (stats) =>
    options.onProgress({ ...count, restarts: killer.restarts(), stats }),
  )
  const onBillDone = ({ id }: DemoBill): void => {
    count.done += 1
    if (chronicle.seen.get(id) === 'yes') count.paid += 1
    if (chronicle.seen.get(id) === 'no') count.unpaid += 1
    killer.onBillDone(count.done)
  }
  const skip = plant === 'unpaid' ? pickBill(bills, seed).id : null
  try {
    const working = work(agents, bills, { seed, skip, onBillDone })
    const inTime = await within(working, workWithinMs)
    if (!inTime) say(`the agents are not done in time; ${await breakersOf(operator)}`)
    await killer.settled()
    // After an outage nobody helps: the rule alone takes dead letters up again.
    const { stillOpen } = await converge(operator, convergeWithinMs, { redrives: !options.outage })
    if (stillOpen > 0) say(`${stillOpen} payments are still open; ${await breakersOf(operator)}`)
  } finally {
    stopWatching()
  }
  // What was on its way to the processor has arrived by then.
  await sleep(lateMs + absenceAfterMs / 2)
  if (plant === 'double-charge') await plantDoubleCharge(processor, pickBill(bills, seed))
  return compare(world, options, chronicle, { restarts: killer.restarts(), outage })
}

const ahead = ({ outage, kills }: DemoOptions): string =>
  outage ? 'the processor will be out for a while' : `the service will be killed ${kills} times`

/** Tells what there is to see five times a second, and once at the end. */
function watch(processor: ProcessorSide, tell: (stats: ProcessorStats | null) => void): () => void {
  let stats: ProcessorStats | null = null
  const timer = setInterval(() => {
    processor.stats().then(
      (fresh) => (stats = fresh),
      () => undefined,
    )
    tell(stats)
  }, 200)
  return () => {
    clearInterval(timer)
    tell(stats)
  }
}

async function compare(
  { processor, operator }: World,
  { bills }: DemoOptions,
  chronicle: Chronicle,
  { restarts, outage }: { readonly restarts: number; readonly outage: Outage | null },
): Promise<Played> {
  const reconciliation = await reconcile(operator)
  const charges = await processor.charges()
  const stats = await processor.stats()
  const shown = await readAll(operator)
  const { acknowledged, surprises } = chronicle
  const { payments } = shown
  const verdict = check({ bills, acknowledged, surprises, payments, charges })
  return {
    verdict,
    story: tellStory(shown, bills, stats),
    chronicle,
    stats,
    payments,
    charges,
    restarts,
    reconciliation,
    outage: await measureOutage({ processor, operator }, outage, shown),
  }
}

/** A run of its own, over all that the demo did. */
async function reconcile(operator: Client): Promise<Reconciliation> {
  const untilMs = performance.now() + reconcileWithinMs
  let begun = await operator.reconcile()
  // A scheduled one may be under way.
  while (!begun.ok && begun.problem.code === 'already_reconciling') {
    await sleep(100)
    begun = await operator.reconcile()
  }
  if (!begun.ok) throw new Error(`no reconciliation: ${begun.problem.detail}`)
  let { reconciliation } = begun
  while (reconciliation.status === 'running' && performance.now() < untilMs) {
    await sleep(100)
    const shown = await operator.reconciliation(reconciliation.id)
    if (!shown.ok) throw new Error(`the reconciliation cannot be read: ${shown.problem.detail}`)
    reconciliation = shown.reconciliation
  }
  return reconciliation
}

async function measureOutage(
  { processor, operator }: Pick<World, 'processor' | 'operator'>,
  outage: Outage | null,
  shown: Shown,
): Promise<OutageFigures | null> {
  const window = outage?.window() ?? null
  if (window === null) return null
  const arrivals = await processor.arrivals(window.fromMs)
  const page = await operator.audit({ limit: 100 })
  if (!page.ok) throw new Error(`the audit cannot be read: ${page.problem.detail}`)
  return outageFigures({ window, arrivals, audit: page.data.toReversed(), ...shown })
}

/** A bill with neither a habit nor a payee that goes wrong. */
function pickBill(bills: readonly DemoBill[], seed: number): DemoBill {
  const plain = bills.filter(
    ({ script, payee }) => script === 'patient' && !payee.startsWith('acct_'),
  )
  const bill = plain[randomOf(seed, 'plant').integer(0, plain.length - 1)]
  if (bill === undefined) throw new Error('there is no bill with the script patient')
  return bill
}

// Beside Quittance, as a second payment system would.
async function plantDoubleCharge(processor: ProcessorSide, bill: DemoBill): Promise<void> {
  const { id, amount, currency, payee, reference } = bill
  await processor.setFaults({})
  await processor.charge({ amount, currency, payee, reference, capture: true }, `planted-${id}`)
}

/** What keeps payments waiting is seen at the breaker first. */
async function breakersOf(operator: Client): Promise<string> {
  const asked = await operator.processors()
  if (!asked.ok) return `the service does not say why: ${asked.problem.detail}`
  return asked.data.map(({ name, breaker }) => `${name}: ${JSON.stringify(breaker)}`).join('; ')
}

function within(work: Promise<void>, forMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(forMs, false, { signal: timer.signal }).catch(() => false)
  return Promise.race([work.then(() => true), late]).finally(() => timer.abort())
}
