// The first tokens. Given ones come from the environment; else they are made once, printed once, and
// kept in a file that only this user can read, so that the command line finds them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { ConfigError } from '../config.ts'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { addAgent, addOperator, identify, makeToken } from '../engine/identity.ts'
import { keepFile } from './keep-file.ts'

export interface FirstTokens {
  readonly agentToken: string
  readonly operatorToken: string
  /** Were they made by this start? Then they are shown, this one time. */
  readonly made: boolean
}

const firstAgent = {
  id: 'agent_default',
  account: 'default',
  name: 'first agent',
  suspended: false,
  mandate: null,
}
const firstOperator = 'operator'
const secondOperator = 'second_operator'

export const tokensFile = (config: Pick<Config, 'dataFolder'>): string =>
  join(config.dataFolder, 'tokens.json')

export async function prepareTokens(engine: Engine, config: Config): Promise<FirstTokens> {
  const kept = await readTokens(config)
  const agentToken = config.agentToken ?? kept?.agentToken ?? makeToken('agent')
  const operatorToken = config.operatorToken ?? kept?.operatorToken ?? makeToken('operator')
  if ((await identify(engine, agentToken)) === null) await addAgent(engine, firstAgent, agentToken)
  if ((await identify(engine, operatorToken)) === null) {
    await addOperator(engine, firstOperator, operatorToken)
  }
  await prepareSecondOperator(engine, config)
  const made = kept === null && config.agentToken === null
  if (made) {
    await keepFile(
      tokensFile(config),
      `${JSON.stringify({ agentToken, operatorToken }, null, 2)}\n`,
    )
  }
  return { agentToken, operatorToken, made }
}

async function prepareSecondOperator(engine: Engine, config: Config): Promise<void> {
  const { secondOperatorToken } = config
  if (secondOperatorToken === null) return
  const known = await identify(engine, secondOperatorToken)
  if (known === null) await addOperator(engine, secondOperator, secondOperatorToken)
  else if (known.role !== 'operator' || known.name !== secondOperator) {
    throw new ConfigError('QUITTANCE_SECOND_OPERATOR_TOKEN is somebody else’s token already.')
  }
}

/** `null`: there is no such file, or nothing in it that could be a token. */
export async function readTokens(
  config: Pick<Config, 'dataFolder'>,
): Promise<{ readonly agentToken: string; readonly operatorToken: string } | null> {
  const text = await readFile(tokensFile(config), 'utf8').catch(() => null)
  if (text === null) return null
  const parsed = parse(text)
  if (typeof parsed !== 'object' || parsed === null) return null
  const { agentToken, operatorToken } = parsed as Record<string, unknown> // checked in the next line
  if (typeof agentToken !== 'string' || typeof operatorToken !== 'string') return null
  return { agentToken, operatorToken }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
