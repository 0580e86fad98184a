// The first tokens. Given ones come from the environment; else they are made once, printed once, and
// kept in a file that only this user can read, so that the command line finds them.
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { addAgent, addOperator, identify, makeToken } from '../engine/identity.ts'

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
  const given = config.agentToken !== null && config.operatorToken !== null
  const made = kept === null && !given
  if (made) {
    const path = tokensFile(config)
    await writeFile(path, `${JSON.stringify({ agentToken, operatorToken }, null, 2)}\n`, {
      mode: 0o600,
    })
    await chmod(path, 0o600)
  }
  return { agentToken, operatorToken, made }
}

/** `null`: there is no such file. */
export async function readTokens(
  config: Pick<Config, 'dataFolder'>,
): Promise<{ readonly agentToken: string; readonly operatorToken: string } | null> {
  const text = await readFile(tokensFile(config), 'utf8').catch(() => null)
  if (text === null) return null
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return null
  const { agentToken, operatorToken } = parsed as Record<string, unknown> // checked in the next line
  if (typeof agentToken !== 'string' || typeof operatorToken !== 'string') return null
  return { agentToken, operatorToken }
}
