// The only reader of the environment. Every setting is optional in development; a setting that
// cannot be what was meant stops the start with a sentence that says what to write instead.

export interface Config {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Folder of the database, the tokens and the installation's id; made if need be. */
  readonly dataFolder: string
  readonly processor: 'simulated'
  /** `null`: none is given; `quittance start` runs one. */
  readonly simulatorUrl: string | null
  readonly simulatorKey: string
  readonly simulatorWebhookSecret: string
  /** Given tokens; `null`: made at the first start. */
  readonly agentToken: string | null
  readonly operatorToken: string | null
  readonly sandbox: boolean
  readonly callTimeoutMs: number
  /** How long after a call's end the simulated processor lets nothing arrive any more. */
  readonly absenceAfterMs: number
}

export class ConfigError extends Error {}

const defaultSimulatorKey = 'sim_test_key'
const defaultWebhookSecret = 'sim_webhook_secret'
const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost'])

export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const host = env['QUITTANCE_HOST'] ?? '127.0.0.1'
  const config: Config = {
    host,
    port: integer(env, 'QUITTANCE_PORT', 4020, 0, 65_535),
    dataFolder: env['QUITTANCE_DATA'] ?? '.quittance',
    processor: oneOf(env, 'QUITTANCE_PROCESSOR', ['simulated']),
    simulatorUrl: url(env, 'QUITTANCE_SIMULATOR_URL'),
    simulatorKey: text(env, 'QUITTANCE_SIMULATOR_KEY') ?? defaultSimulatorKey,
    simulatorWebhookSecret: text(env, 'QUITTANCE_SIMULATOR_WEBHOOK_SECRET') ?? defaultWebhookSecret,
    agentToken: token(env, 'QUITTANCE_AGENT_TOKEN'),
    operatorToken: token(env, 'QUITTANCE_OPERATOR_TOKEN'),
    sandbox: env['QUITTANCE_SANDBOX'] === '1',
    callTimeoutMs: integer(env, 'QUITTANCE_CALL_TIMEOUT_MS', 10_000, 100, 60_000),
    absenceAfterMs: integer(env, 'QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS', 5_000, 0, 600_000),
  }
  if (!loopbackHosts.has(host) && !config.sandbox) {
    throw new ConfigError(
      `QUITTANCE_HOST is ${host}, which others can reach, and the processor is simulated: no money would ` +
        'move. Set QUITTANCE_SANDBOX=1 if that is what you want, or leave QUITTANCE_HOST out.',
    )
  }
  if (!loopbackHosts.has(host) && config.simulatorWebhookSecret === defaultWebhookSecret) {
    throw new ConfigError(
      'Others can reach this service, and everybody knows the default secret of its webhooks. Set ' +
        'QUITTANCE_SIMULATOR_WEBHOOK_SECRET.',
    )
  }
  if ((config.agentToken === null) !== (config.operatorToken === null)) {
    throw new ConfigError(
      'Set both QUITTANCE_AGENT_TOKEN and QUITTANCE_OPERATOR_TOKEN, or neither: then both are made.',
    )
  }
  if (config.agentToken !== null && config.agentToken === config.operatorToken) {
    throw new ConfigError('QUITTANCE_AGENT_TOKEN and QUITTANCE_OPERATOR_TOKEN must differ.')
  }
  return Object.freeze(config)
}

// Empty is not set: an empty secret would be no secret.
function text(env: Readonly<Record<string, string | undefined>>, name: string): string | null {
  const value = env[name]
  return value === undefined || value === '' ? null : value
}

/** What a command needs that talks to a service which runs elsewhere. */
export interface ClientSettings {
  readonly url: string
  /** Where the service of this machine keeps its tokens, if none are given. */
  readonly dataFolder: string
  readonly agentToken: string | null
  readonly operatorToken: string | null
}

export function readClientSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ClientSettings {
  return Object.freeze({
    url: url(env, 'QUITTANCE_URL') ?? 'http://127.0.0.1:4020',
    dataFolder: env['QUITTANCE_DATA'] ?? '.quittance',
    agentToken: token(env, 'QUITTANCE_AGENT_TOKEN'),
    operatorToken: token(env, 'QUITTANCE_OPERATOR_TOKEN'),
  })
}

/** What the simulated processor must agree on with the service that calls it. */
export function readSimulatorSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): { readonly apiKey: string } {
  return Object.freeze({ apiKey: text(env, 'QUITTANCE_SIMULATOR_KEY') ?? defaultSimulatorKey })
}

/** For a child process: our environment with these settings of Quittance's and no others. */
export function childEnvironment(
  settings: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('QUITTANCE_'))
  return { ...Object.fromEntries(others), ...settings }
}

function integer(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  otherwise: number,
  min: number,
  max: number,
): number {
  const text = env[name]
  if (text === undefined || text === '') return otherwise
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new ConfigError(`${name} is "${text}"; it must be a whole number from ${min} to ${max}.`)
}

function oneOf<const T extends string>(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  names: readonly [T, ...T[]],
): T {
  const text = env[name]
  if (text === undefined || text === '') return names[0]
  const found = names.find((each) => each === text)
  if (found !== undefined) return found
  throw new ConfigError(`${name} is "${text}"; it must be one of: ${names.join(', ')}.`)
}

function url(env: Readonly<Record<string, string | undefined>>, name: string): string | null {
  const text = env[name]
  if (text === undefined || text === '') return null
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/+$/, '')
  throw new ConfigError(`${name} is "${text}"; it must be a URL such as http://127.0.0.1:4021.`)
}

// Long enough that nobody guesses it; the value itself is never repeated in a message.
function token(env: Readonly<Record<string, string | undefined>>, name: string): string | null {
  const text = env[name]
  if (text === undefined || text === '') return null
  if (/^[\x21-\x7e]{16,512}$/.test(text)) return text
  throw new ConfigError(`${name} must be 16 to 512 visible ASCII characters.`)
}
