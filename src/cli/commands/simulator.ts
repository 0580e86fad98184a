// The simulated processor as its own process.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

import { readSimulatorSettings } from '../../config.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'
import type { Command, Words } from '../command.ts'
import { exitCodes, usageError } from '../exit.ts'
import { endsWithInputOption, untilAsked } from '../until.ts'

/** Beside the service's own default port. */
const simulatorPort = 4021

const longestMs = 30 * 86_400_000

const milliseconds = {
  'settle-after-ms': { value: 'N', what: 'from capture to settlement (0)' },
  'late-ms': { value: 'N', what: 'how late a late request arrives (800)' },
  'slow-ms': { value: 'N', what: 'the longest that a slow request takes (2000)' },
  'processing-ms': { value: 'N', what: 'how long acct_processing takes (1000)' },
  'retry-after-ms': { value: 'N', what: 'what 429 asks for (500)' },
  'lookup-lag-ms': { value: 'N', what: 'how far a search by reference lags behind (2000)' },
} as const

export const simulator: Command = {
  name: 'simulator',
  summary: 'a simulated payment processor that misbehaves on request',
  about: `
A processor with its own durable ledger. It injects what real ones do: gateway timeouts before and
after the effect, resets, 429, late arrivals, declines. Some payees always go wrong in one way, such as
acct_504_after_capture or acct_declined; \`PUT /faults\` sets rates and scripts for the others, and
\`GET /ledger\` shows what was really booked. src/simulator/README.md has the whole contract.`,
  examples: [
    'quittance simulator --port 4021 --file simulator.db',
    'curl -X PUT -H "authorization: Bearer sim_test_key" 127.0.0.1:4021/faults -d \'{"rates":{"capture":{"504_after":0.2}}}\'',
  ],
  options: {
    port: { value: 'N', what: `where to listen (${simulatorPort}; 0 picks one)` },
    host: { value: 'HOST', what: 'the address to listen on (127.0.0.1)' },
    file: { value: 'FILE', what: 'its ledger (in memory, gone at the end)' },
    seed: { value: 'N', what: 'of fault choice (1)' },
    ...milliseconds,
    ...endsWithInputOption,
  },
  run: async (words, terminal) => {
    const file = words.text('file')
    if (file !== null) await makeLedger(file)
    const asked = untilAsked(words.is('end-with-input'))
    const port = words.integer('port', simulatorPort, 0, 65_535)
    const { startSimulator } = await import('../../simulator/simulator.ts')
    const running = await startSimulator({
      ...timing(words),
      ...readSimulatorSettings(),
      ...(file === null ? {} : { file }),
      host: words.text('host') ?? '127.0.0.1',
      port,
      seed: words.integer('seed', 1, 0, Number.MAX_SAFE_INTEGER),
    }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      throw usageError(
        `The simulator did not start on port ${port}: ${reason}. Try --port 0, or another --file.`,
      )
    })
    const { url } = running
    terminal.out(words.is('json') ? JSON.stringify({ listening: url }) : `listening on ${url}`)
    await asked
    await running.close()
    return exitCodes.ok
  },
}

// Beside it may lie the service's own data: nobody else reads this folder. SQLite gives the files that
// belong to the ledger the ledger's mode.
async function makeLedger(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await (await open(file, 'a', 0o600)).close()
}

function timing(words: Words): SimulatorOptions {
  const ms = (option: keyof typeof milliseconds): number | null =>
    words.text(option) === null ? null : words.integer(option, 0, 0, longestMs)
  const slowMs = ms('slow-ms')
  const given = {
    settleAfterMs: ms('settle-after-ms'),
    lateMs: ms('late-ms'),
    slowMs: slowMs === null ? null : ([Math.floor(slowMs / 4), slowMs] as const),
    processingMs: ms('processing-ms'),
    retryAfterMs: ms('retry-after-ms'),
    lookupLagMs: ms('lookup-lag-ms'),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
}
