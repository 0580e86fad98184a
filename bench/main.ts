// Payments per second over HTTP, from the request to captured money, durable at every step: the real
// service on a fresh SQLite file, the simulated processor without faults, and the load, each a
// process of its own on this machine. `npm run bench -- --seconds 5 --json`.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { childEnvironment } from '../src/config.ts'
import { runLoad } from './load.ts'
import type { LoadResult } from './load.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const forMs = Number(values.seconds) * 1000
if (!(forMs >= 500 && forMs <= 600_000)) {
  process.stderr.write('bench: --seconds is 0.5 to 600\n')
  process.exit(2)
}

const program = join(import.meta.dirname, '../src/cli/main.ts')
const children: ChildProcess[] = []

/** Starts a command of ours and waits for its `listening on URL`. */
async function start(args: readonly string[], settings: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [program, ...args, '--end-with-input'], {
    env: childEnvironment(settings),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^listening on (\S+)$/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`${args[0]} ended before it listened`)
}

const folder = mkdtempSync(join(tmpdir(), 'quittance-bench-'))
const tokens = { agent: 'bench-agent-token-0001', operator: 'bench-operator-token-1' }
try {
  const simulator = await start(['simulator', '--port', '0'], {})
  const url = await start(['serve'], {
    QUITTANCE_PORT: '0',
    QUITTANCE_DATA: folder,
    QUITTANCE_SIMULATOR_URL: simulator,
    QUITTANCE_AGENT_TOKEN: tokens.agent,
    QUITTANCE_OPERATOR_TOKEN: tokens.operator,
  })
  await runLoad({ url, token: tokens.agent, concurrency: 32, forMs: 2000, name: 'warm-up' })
  const results: LoadResult[] = []
  for (const concurrency of [1, 32, 256]) {
    const name = `at ${concurrency}`
    results.push(await runLoad({ url, token: tokens.agent, concurrency, forMs, name }))
  }
  report(results)
} finally {
  for (const child of children.toReversed()) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

function report(results: readonly LoadResult[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ results })}\n`)
    return
  }
  process.stdout.write('clients  payments/s  p50 ms  p99 ms\n')
  for (const { concurrency, paymentsPerS, p50Ms, p99Ms } of results) {
    const cells = [String(concurrency), paymentsPerS.toFixed(0), p50Ms.toFixed(1), p99Ms.toFixed(1)]
    const widths = [7, 12, 8, 8]
    const padded = cells.map((cell, index) => cell.padStart(widths[index] ?? 8))
    process.stdout.write(`${padded.join('')}\n`)
  }
}
