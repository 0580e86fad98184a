// The service and the simulated processor together: the shortest way to a first payment.
import { join } from 'node:path'

import { readConfig } from '../../config.ts'
import type { Config } from '../../config.ts'
import { writeLog } from '../../embedded/log.ts'
import { tokensFile } from '../../embedded/tokens.ts'
import { startChild } from '../children.ts'
import type { Child } from '../children.ts'
import type { Command } from '../command.ts'
import { exitCodes, usageError } from '../exit.ts'
import { explained } from '../start-error.ts'
import type { Terminal } from '../terminal.ts'
import { endsWithInputOption, stopping, untilAsked } from '../until.ts'

export const start: Command = {
  name: 'start',
  summary: 'service and simulated processor together, for development',
  about: `
Starts the simulated processor as a process of its own and the service in front of it, prints where they
listen and how to pay, and ends both on Ctrl-C. Data stays in QUITTANCE_DATA (.quittance): the next
start goes on with it. Where QUITTANCE_SIMULATOR_URL is set, that processor is used and none is started.
Payments that \`quittance stop\` has stopped go on with \`quittance resume\`, not with this.`,
  examples: ['quittance start', 'QUITTANCE_PORT=0 QUITTANCE_DATA=/tmp/try quittance start'],
  options: endsWithInputOption,
  run: async (words, terminal) => {
    const config = readConfig()
    const asked = untilAsked(words.is('end-with-input'))
    const isAlone = config.stripe === null && config.simulatorUrl === null
    const child = isAlone ? await simulatorBeside(config) : null
    try {
      const simulatorUrl = child?.url ?? config.simulatorUrl
      const { openService } = await import('../../embedded/service.ts')
      const opening = openService({ ...config, simulatorUrl }, { log: writeLog })
      const service = await explained(config, opening)
      if (child !== null) await setWebhook(child.url, config, service.url)
      if (words.is('json')) {
        const { url: listening } = service
        const tokens = tokensFile(config)
        terminal.out(JSON.stringify({ listening, simulator: simulatorUrl, tokens }))
      } else {
        terminal.out(`listening on ${service.url}`)
        greet(terminal, config, service, simulatorUrl ?? '')
      }
      const died = child?.ended.then(() => 'died' as const)
      const why = await Promise.race([asked, ...(died === undefined ? [] : [died])])
      if (why === 'died')
        terminal.note(
          'quittance: the simulated processor has ended; stopping. Start again to go on.',
        )
      writeLog({ level: 'info', kind: 'stopping', detail: stopping(config) })
      await service.stop()
      return why === 'died' ? exitCodes.failed : exitCodes.ok
    } finally {
      await child?.end('SIGTERM')
    }
  },
}

// Its port is any free one: nobody but the service needs to know it.
async function simulatorBeside(config: Config): Promise<Child> {
  const file = join(config.dataFolder, 'simulator.db')
  try {
    return await startChild({
      args: ['simulator', '--port', '0', '--file', file],
      settings: { QUITTANCE_SIMULATOR_KEY: config.simulatorKey },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (!reason.includes('locked')) throw error
    throw usageError(
      `${file} is in use: another \`quittance start\` runs on this data folder, or is still stopping. Stop it, or give ` +
        'this one a folder of its own (QUITTANCE_DATA).',
    )
  }
}

// Without it everything works as well, a little later: what is not told is looked up.
async function setWebhook(simulatorUrl: string, config: Config, url: string): Promise<void> {
  await fetch(`${simulatorUrl}/v1/webhook`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${config.simulatorKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      url: `${url}/webhooks/simulated`,
      secret: config.simulatorWebhookSecret,
    }),
  }).catch(() => undefined)
}

function greet(
  terminal: Terminal,
  config: Config,
  service: {
    readonly url: string
    readonly tokens: {
      readonly agentToken: string
      readonly operatorToken: string
      readonly made: boolean
    }
  },
  simulatorUrl: string,
): void {
  const { url, tokens } = service
  const pay =
    process.argv[1]?.endsWith('.ts') === true ? 'npm run -s quittance -- pay' : 'quittance pay'
  const folder = config.dataFolder === '.quittance' ? '' : `QUITTANCE_DATA=${config.dataFolder} `
  const where = url === 'http://127.0.0.1:4020' ? '' : `QUITTANCE_URL=${url} `
  const body = '{"amount":1999,"currency":"EUR","payee":"acme supplies","reference":"INV-1042"}'
  const lines = [
    config.stripe === null
      ? `simulated processor on ${simulatorUrl}: no real money moves`
      : `payments through Stripe; a key with "test" in it moves no real money`,
    ...(tokens.made
      ? [
          '',
          `Tokens, shown this one time and kept in ${tokensFile(config)}:`,
          `  agent     ${tokens.agentToken}`,
          `  operator  ${tokens.operatorToken}`,
        ]
      : [
          config.agentToken === null
            ? `tokens are in ${tokensFile(config)}`
            : 'tokens are the given ones',
        ]),
    '',
    `Console: ${url}/ (sign in with the operator token)`,
    '',
    'Pay a bill (run it twice: it is paid once):',
    `  curl -s ${url}/v1/payments -H "authorization: Bearer $(${tokenCommand(config)})" \\`,
    `    -H 'idempotency-key: inv-1042' -H 'prefer: wait=10' -H 'content-type: application/json' \\`,
    `    -d '${body}'`,
    'Or a file of them:',
    `  ${folder}${where}${pay} examples/bills.csv`,
    'Ctrl-C ends both.',
  ]
  for (const line of lines) terminal.out(line)
}

// So that the token itself stays out of the shell's history.
function tokenCommand(config: Config): string {
  if (config.agentToken !== null) return 'printenv QUITTANCE_AGENT_TOKEN'
  return `node -p 'JSON.parse(fs.readFileSync("${tokensFile(config)}")).agentToken'`
}
