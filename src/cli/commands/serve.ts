// The service on this machine: door, worker, relay and timers in one process. Its code is loaded only
// when it is run, so that the other commands start at once.
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
