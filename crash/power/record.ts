// Runs the real service under strace while agents pay bills, and gives back every write, every
// sync and every byte that was sent, in their order.
import { spawnSync } from 'node:child_process'
import { createReadStream, mkdirSync, rmSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

import { startChild } from '../../src/cli/children.ts'
import { newChronicle } from '../../src/cli/demo/agent.ts'
import { converge } from '../../src/cli/demo/converge.ts'
import { faultPlan } from '../../src/cli/demo/faults.ts'
import { openProcessorSide } from '../../src/cli/demo/processor-side.ts'
import { makeAgents, work } from '../../src/cli/demo/workload.ts'
import { createClient } from '../../src/client/index.ts'
import type { Mutant } from '../../test/mutants/list.ts'
import { manyBills, readBills } from '../bills.ts'
import { program, recording } from '../kill-world.ts'
import { preloading } from '../preload.ts'
import { openWebhookDoor } from '../webhook-door.ts'
import { openStraceReader, tracedCalls } from './strace.ts'
import type { Call } from './strace.ts'

export interface Recording {
  readonly folder: string
  readonly calls: readonly Call[]
  readonly servicePort: number
  /** Row key of each idempotency key → the payment that was acknowledged for it. */
  readonly keys: ReadonlyMap<string, string>
}

export interface RecordOptions {
  /** A folder that may be written to; nothing is left in it. */
  readonly folder: string
  readonly bills: number
  readonly seed: number
  readonly patches: readonly Mutant[]
}

/** `null`: it is here and may trace; else what to do about it. */
export function whyNoTracer(): string | null {
  const { status, error } = spawnSync('strace', ['-o', '/dev/null', 'true'])
  if (error !== undefined) {
    return 'strace is not installed: `apt-get install strace` (Debian, Ubuntu), then run this again'
  }
  return status === 0 ? null : 'strace may not trace here (a container needs --cap-add=SYS_PTRACE)'
}

const apiKey = 'sim_power_key'
const operatorToken = 'qt_power_operator_0123456789'
const webhookSecret = 'sim_power_webhook_secret'

export async function record(options: RecordOptions): Promise<Recording> {
  const { seed, patches } = options
  const folder = join(options.folder, 'data')
  const log = join(options.folder, 'strace.log')
  // Made before: what becomes of its own name is not the store's affair.
  mkdirSync(folder)
  const bills = manyBills(readBills(), options.bills)
  const simulator = await startChild({
    program,
    args: ['simulator', '--port', '0', '--late-ms', '400', '--slow-ms', '300'],
    settings: { QUITTANCE_SIMULATOR_KEY: apiKey },
  })
  const processor = openProcessorSide(simulator.url, apiKey)
  await processor.setFaults(faultPlan(bills, seed))
  const service = await startChild({
    program,
    args: ['serve'],
    under: tracer(log),
    settings: {
      QUITTANCE_PORT: '0',
      QUITTANCE_DATA: folder,
      QUITTANCE_SIMULATOR_URL: simulator.url,
      QUITTANCE_SIMULATOR_KEY: apiKey,
      QUITTANCE_SIMULATOR_WEBHOOK_SECRET: webhookSecret,
      QUITTANCE_OPERATOR_TOKEN: operatorToken,
      QUITTANCE_AGENT_TOKEN: `agent_${operatorToken}`,
      QUITTANCE_CALL_TIMEOUT_MS: '900',
      QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS: '900',
      ...preloading(patches),
    },
  })
  const webhooks = await openWebhookDoor(service.url)
  await processor.setWebhook(webhooks.url, webhookSecret)
  const operator = createClient({ url: service.url, token: operatorToken })
  const keys = new Map<string, string>()
  const agents = await makeAgents(operator, service.url, bills, newChronicle(), (agentId) => ({
    fetch: recording(agentId, keys),
  }))
  const working = work(agents, bills, { seed, skip: null, onBillDone: () => undefined })
  await Promise.race([working, sleep(workWithinMs, undefined, { ref: false })])
  await converge(operator, convergeWithinMs, { redrives: true })
  await service.end('SIGTERM')
  await simulator.end('SIGTERM')
  webhooks.close()
  await tracerEnded(log)
  const calls = await readCalls(log, folder)
  rmSync(log)
  rmSync(folder, { recursive: true })
  return { folder, calls, servicePort: Number(new URL(service.url).port), keys }
}

const workWithinMs = 45_000
const convergeWithinMs = 10_000

/** `-D`: the service is our child and strace is not, so that it is ended by its own id. */
export const tracer = (log: string): readonly string[] => {
  const how = 'strace -D -f --seccomp-bpf -yy -xx -s 1000000'.split(' ')
  return [...how, '-e', `trace=${tracedCalls.join()}`, '-o', log]
}

/** A tracer that writes nothing for so long has come to its end, or never will. */
const silentForMs = 20_000

/**
 * The first line is of the service's own process, and so is the last: how it ended. strace fills
 * short numbers of processes up with spaces. On a busy machine it is far behind: it is waited for
 * while its log grows.
 */
export async function tracerEnded(log: string, patienceMs = silentForMs): Promise<void> {
  let size = -1
  for (let leftMs = patienceMs; leftMs > 0; leftMs -= 100) {
    const [head, tail] = await endsOf(log)
    const pid = /^\d+/.exec(head)?.[0] ?? 'none'
    if (new RegExp(`^${pid} +\\+\\+\\+ `, 'm').test(tail)) return
    const grown = (await stat(log)).size
    if (grown !== size) leftMs = patienceMs
    size = grown
    await sleep(100)
  }
  throw new Error(`strace did not come to its end: its log has ${size} bytes and does not grow`)
}

async function endsOf(path: string): Promise<readonly [string, string]> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const [head, tail] = [Buffer.alloc(20), Buffer.alloc(500)]
    await file.read(head, { position: 0 })
    await file.read(tail, { position: Math.max(0, size - tail.length) })
    return [head.toString(), tail.toString()]
  } finally {
    await file.close()
  }
}

export async function readCalls(log: string, folder: string): Promise<readonly Call[]> {
  const hex = [...Buffer.from(folder)].map((byte) => `\\x${byte.toString(16)}`).join('')
  const read = openStraceReader()
  const calls: Call[] = []
  for await (const line of createInterface({ input: createReadStream(log) })) {
    // Node's own modules, pipes and terminals are most of it.
    const isOurs = line.includes(hex) || line.includes('<TCP') || line.includes(' resumed>')
    const call = isOurs ? read(line) : null
    if (call !== null) calls.push(call)
  }
  return calls
}
