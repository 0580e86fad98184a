// The service on this machine: door, worker, relay and timers in one process. Its code is loaded only
// when it is run, so that the other commands start at once.
import { mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

import { readConfig } from '../../config.ts'
import { writeLog } from '../../embedded/log.ts'
import { tokensFile } from '../../embedded/tokens.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { explained } from '../start-error.ts'
import { endsWithInputOption, stopping, untilAsked } from '../until.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'the service: HTTP door and worker on one SQLite file',
  about: `
Runs until Ctrl-C or SIGTERM and then exits 0. Prints one line on standard output when it is ready:
\`listening on URL\`. Logs are JSON lines on standard error. Everything that is known is in the data
folder (QUITTANCE_DATA, else .quittance); a killed service goes on where it stood when it is started
again. It needs a processor: \`quittance simulator\` is one, \`quittance start\` runs both.

Settings: QUITTANCE_HOST, QUITTANCE_PORT (0 picks one), QUITTANCE_DATA, QUITTANCE_SIMULATOR_URL,
QUITTANCE_AGENT_TOKEN, QUITTANCE_OPERATOR_TOKEN, QUITTANCE_CALL_TIMEOUT_MS.`,
  examples: [
    'QUITTANCE_SIMULATOR_URL=http://127.0.0.1:4021 quittance serve',
    'QUITTANCE_PORT=0 QUITTANCE_DATA=/var/lib/quittance quittance serve',
  ],
  options: endsWithInputOption,
  run: async (words, terminal) => {
    const config = readConfig()
    const asked = untilAsked(words.is('end-with-input'))
    keepSmall()
    keepCompiled()
    const { openService } = await import('../../embedded/service.ts')
    const service = await explained(config, openService(config, { log: writeLog }))
    if (service.tokens.made) {
      writeLog({ level: 'info', kind: 'tokens_made', file: tokensFile(config) })
    }
    const { url } = service
    terminal.out(words.is('json') ? JSON.stringify({ listening: url }) : `listening on ${url}`)
    await asked
    writeLog({ level: 'info', kind: 'stopping', detail: stopping(config) })
    await service.stop()
    return exitCodes.ok
  },
}

/**
 * What is alive under load is some 50 MB, nearly all of it young. V8 would let rubbish grow to several times
 * that before it looks through all of it; a look costs a few milliseconds, and memory is for the disk's pages.
 */
function keepSmall(): void {
  setFlagsFromString('--heap-growing-percent=30')
}

/**
 * A third of a start is reading source; what was made of it is kept from one start to the next, where the
 * user's programs keep such things and nobody else may write: whoever changes it changes what runs. Where
 * there is no such place the start is slower, and nothing else.
 */
function keepCompiled(): void {
  try {
    const folder = join(homedir(), '.cache', 'quittance')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    enableCompileCache(folder)
  } catch {
    // A home that cannot be written to, or none at all.
  }
}
