// The client of a command: where the service is, and whose token is shown. A token never stands on the
// command line, where every user of the machine could read it.
import { createClient } from '../client/index.ts'
import type { Client, ClientOptions, Problem } from '../client/index.ts'
import { readClientSettings } from '../config.ts'
import { readTokens } from '../embedded/tokens.ts'
import { isForIam, regionOf, signingFetch } from './aws-signature.ts'
import type { Words } from './command.ts'
import { stopFor, usageError } from './exit.ts'

/** A person or a script waits; a service that is only restarting is back by then. */
const commandDeadlineMs = 5_000

/** `reader`: an operator sees every account, an agent its own; either will do. */
export type Role = 'agent' | 'operator' | 'reader'

export async function connect(words: Words, role: Role): Promise<Client> {
  const deadlineMs = commandDeadlineMs
  const signed = signedFor(words)
  return createClient({ ...(signed ?? (await settingsFor(words, role))), deadlineMs })
}

/** Below `/aws` IAM says who asks: requests are signed, and no token is shown. */
function signedFor(words: Words): Pick<ClientOptions, 'url' | 'token' | 'fetch'> | null {
  const { aws, ...settings } = readClientSettings()
  const url = words.text('url') ?? settings.url
  if (!URL.canParse(url) || !isForIam(url)) return null
  const region = regionOf(url) ?? aws?.region ?? null
  if (aws === null || region === null) {
    const missing = aws === null ? 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' : 'AWS_REGION'
    throw usageError(
      `${url} wants requests signed with an AWS identity: set ${missing}. ` +
        '`aws configure export-credentials --format env` prints those of a profile.',
    )
  }
  return { url, token: null, fetch: signingFetch({ ...aws, region }) }
}

/** Where the service is, and whose token is shown. */
export async function settingsFor(
  words: Words,
  role: Role,
): Promise<{ readonly url: string; readonly token: string }> {
  const settings = readClientSettings()
  const url = words.text('url') ?? settings.url
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw usageError(`--url is "${url}"; it must be a URL such as http://127.0.0.1:4020.`)
  }
  const token = tokenOf(role, settings) ?? tokenOf(role, await readTokens(settings))
  if (token !== null) return { url, token }
  const name = role === 'agent' ? 'QUITTANCE_AGENT_TOKEN' : 'QUITTANCE_OPERATOR_TOKEN'
  throw usageError(
    `There is no token: set ${name}, or QUITTANCE_DATA to the data folder of the service ` +
      `(there is no tokens.json in ${settings.dataFolder}).`,
  )
}

interface Tokens {
  readonly agentToken: string | null
  readonly operatorToken: string | null
}

function tokenOf(role: Role, tokens: Tokens | null): string | null {
  if (tokens === null) return null
  const { agentToken, operatorToken } = tokens
  if (role === 'agent') return agentToken
  return role === 'operator' ? operatorToken : (operatorToken ?? agentToken)
}

/** The result, or the end of the command. */
export function expectOk<T extends { readonly ok: boolean }>(
  result: T,
): Extract<T, { readonly ok: true }> {
  if (result.ok) return result as Extract<T, { readonly ok: true }> // `ok` tells the members apart
  throw stopFor((result as T & { readonly problem: Problem }).problem)
}
