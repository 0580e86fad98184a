// The only reader of the environment. Every setting is optional in development; a setting that
// cannot be what was meant stops the start with a sentence that says what to write instead.
import { defaultJwt, jwtFault } from './core/access.ts'
import type { JwtAlgorithm, JwtSettings } from './core/access.ts'
import type { RateLimit } from './core/rate.ts'

export interface Config {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Folder of the database, the tokens and the installation's id; made if need be. */
  readonly dataFolder: string
  readonly processor: 'simulated' | 'stripe'
  /** `null`: the processor is simulated. */
  readonly stripe: StripeSettings | null
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
  /** Calls that the processor may be sent; `null`: as many as there are. */
  readonly processorRate: RateLimit | null
  /** New payments and other requests of one agent; `null`: no limit. */
  readonly agentRate: RateLimit | null
  /** Given: two operators must say the same before a dead letter is resolved by hand. */
  readonly secondOperatorToken: string | null
  /** Reads what operators read and changes nothing; `null`: there is none. */
  readonly viewerToken: string | null
  /** An identity provider whose tokens are taken besides our own; `null`: there is none. */
  readonly jwt: JwtSettings | null
  /** Where alerts go besides the log. */
  readonly alertWebhook: { readonly url: string; readonly secret: string } | null
  /** The page with a heading for each kind of alert. */
  readonly alertRunbookUrl: string
  readonly unknownAlertMinutes: number
  /** 0: reconciliation runs only when somebody asks. */
  readonly reconcileMinutes: number
  /** How far back a scheduled run looks. */
  readonly reconcileDays: number
  /** Hosts of a private network that webhooks may go to. */
  readonly webhookPrivateHosts: readonly string[]
}

export interface StripeSettings {
  readonly apiKey: string
  readonly allowLive: boolean
  /** Where Stripe answers; its own address unless told. */
  readonly url: string
  /** Left out: no webhook is believed, and what happens is looked up. */
  readonly webhookSecret?: string
  /** What a payee is: a word for our books, or a connected account that gets the money. */
  readonly payeeIs: 'note' | 'connected_account'
  /** Where a person comes back to after 3-D Secure. */
  readonly returnUrl: string | null
}

export class ConfigError extends Error {}

const defaultSimulatorKey = 'sim_test_key'
const defaultWebhookSecret = 'sim_webhook_secret'

/** More than any agent that pays bills asks for, and little enough to stop one that runs away. */
const defaultAgentRate: RateLimit = { perSecond: 100, burst: 200 }
const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost'])

export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  refuseUnknown(env)
  const host = env['QUITTANCE_HOST'] ?? '127.0.0.1'
  const config: Config = {
    host,
    port: integer(env, 'QUITTANCE_PORT', 4020, 0, 65_535),
    dataFolder: env['QUITTANCE_DATA'] ?? '.quittance',
    processor: oneOf(env, 'QUITTANCE_PROCESSOR', ['simulated', 'stripe']),
    stripe: stripe(env),
    simulatorUrl: url(env, 'QUITTANCE_SIMULATOR_URL'),
    simulatorKey: text(env, 'QUITTANCE_SIMULATOR_KEY') ?? defaultSimulatorKey,
    simulatorWebhookSecret: text(env, 'QUITTANCE_SIMULATOR_WEBHOOK_SECRET') ?? defaultWebhookSecret,
    agentToken: token(env, 'QUITTANCE_AGENT_TOKEN'),
    operatorToken: token(env, 'QUITTANCE_OPERATOR_TOKEN'),
    sandbox: env['QUITTANCE_SANDBOX'] === '1',
    callTimeoutMs: integer(env, 'QUITTANCE_CALL_TIMEOUT_MS', 10_000, 100, 60_000),
    absenceAfterMs: integer(env, 'QUITTANCE_SIMULATOR_ABSENCE_AFTER_MS', 5_000, 0, 600_000),
    processorRate: rate(env, 'QUITTANCE_PROCESSOR_RATE', null),
    agentRate: rate(env, 'QUITTANCE_AGENT_RATE', defaultAgentRate),
    secondOperatorToken: token(env, 'QUITTANCE_SECOND_OPERATOR_TOKEN'),
    viewerToken: token(env, 'QUITTANCE_VIEWER_TOKEN'),
    jwt: jwt(env),
    alertWebhook: alertWebhook(env),
    alertRunbookUrl: url(env, 'QUITTANCE_ALERT_RUNBOOK_URL') ?? 'docs/guides/alerts.md',
    unknownAlertMinutes: integer(env, 'QUITTANCE_UNKNOWN_ALERT_MINUTES', 15, 1, 1_440),
    reconcileMinutes: integer(env, 'QUITTANCE_RECONCILE_MINUTES', 60, 0, 10_080),
    reconcileDays: integer(env, 'QUITTANCE_RECONCILE_DAYS', 10, 1, 90),
    webhookPrivateHosts: hosts(env, 'QUITTANCE_WEBHOOK_PRIVATE_HOSTS'),
  }
  const isSimulated = config.stripe === null
  if (isSimulated && !loopbackHosts.has(host) && !config.sandbox) {
    throw new ConfigError(
      `QUITTANCE_HOST is ${host}, which others can reach, and the processor is simulated: no money would ` +
        'move. Set QUITTANCE_SANDBOX=1 if that is what you want, or leave QUITTANCE_HOST out.',
    )
  }
  const isKnownSecret = config.simulatorWebhookSecret === defaultWebhookSecret
  if (isSimulated && !loopbackHosts.has(host) && isKnownSecret) {
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
  const others = [config.agentToken, config.operatorToken, config.secondOperatorToken]
  if (config.viewerToken !== null && others.includes(config.viewerToken)) {
    throw new ConfigError('QUITTANCE_VIEWER_TOKEN must differ from the other tokens.')
  }
  return Object.freeze(config)
}

function stripe(env: Readonly<Record<string, string | undefined>>): StripeSettings | null {
  if (env['QUITTANCE_PROCESSOR'] !== 'stripe') return null
  const apiKey = text(env, 'QUITTANCE_STRIPE_KEY')
  if (apiKey === null) {
    throw new ConfigError(
      'QUITTANCE_PROCESSOR is stripe, and there is no key: set QUITTANCE_STRIPE_KEY to a restricted test key.',
    )
  }
  const webhookSecret = text(env, 'QUITTANCE_STRIPE_WEBHOOK_SECRET')
  return {
    apiKey,
    allowLive: env['QUITTANCE_ALLOW_LIVE'] === '1',
    url: url(env, 'QUITTANCE_STRIPE_API_BASE') ?? 'https://api.stripe.com',
    ...(webhookSecret === null ? {} : { webhookSecret }),
    payeeIs: oneOf(env, 'QUITTANCE_STRIPE_PAYEE', ['note', 'connected_account']),
    returnUrl: url(env, 'QUITTANCE_STRIPE_RETURN_URL'),
  }
}

/** Whose tokens are taken besides our own: all three of issuer, audience and keys, or none. */
function jwt(env: Readonly<Record<string, string | undefined>>): JwtSettings | null {
  const [issuer, audience, jwksUrl, algorithms] = [
    'ISSUER',
    'AUDIENCE',
    'JWKS_URL',
    'ALGORITHMS',
  ].map((name) => text(env, `QUITTANCE_JWT_${name}`))
  const tolerance = 'QUITTANCE_JWT_CLOCK_TOLERANCE_SECONDS'
  if (issuer == null && audience == null && jwksUrl == null) return null
  if (issuer == null || audience == null || jwksUrl == null) {
    throw new ConfigError(
      'Set all of QUITTANCE_JWT_ISSUER, QUITTANCE_JWT_AUDIENCE and QUITTANCE_JWT_JWKS_URL, or none.',
    )
  }
  const listed = algorithms?.split(',').map((each) => each.trim())
  const settings: JwtSettings = {
    issuer,
    audience,
    jwksUrl,
    // `jwtFault` looks at each of them.
    algorithms: (listed as JwtAlgorithm[] | undefined) ?? defaultJwt.algorithms,
    clockToleranceSeconds: integer(env, tolerance, defaultJwt.clockToleranceSeconds, 0, 300),
  }
  const fault = jwtFault(settings)
  if (fault === null && URL.canParse(jwksUrl)) return settings
  throw new ConfigError(`QUITTANCE_JWT_…: ${fault ?? 'the address of the keys is no URL.'}`)
}

// Neither is ever repeated in a message: the address of a webhook is often a secret as well.
function alertWebhook(env: Readonly<Record<string, string | undefined>>): Config['alertWebhook'] {
  const [address, secret] = ['URL', 'SECRET'].map((name) =>
    text(env, `QUITTANCE_ALERT_WEBHOOK_${name}`),
  )
  if (address == null && secret == null) return null
  if (address == null || secret == null) {
    throw new ConfigError(
      'Set both QUITTANCE_ALERT_WEBHOOK_URL and QUITTANCE_ALERT_WEBHOOK_SECRET.',
    )
  }
  if (URL.canParse(address)) return { url: address, secret }
  throw new ConfigError(
    'QUITTANCE_ALERT_WEBHOOK_URL must be a URL such as https://example.com/hook.',
  )
}

/** For what runs elsewhere and has settings of its own (`src/aws/settings.ts`). */
export const environment = (): Readonly<Record<string, string | undefined>> => process.env

/** Every name that is read anywhere below `QUITTANCE_`. */
export const settingNames = [
  'HOST',
  'PORT',
  'URL',
  'DATA',
  'PROCESSOR',
  'PROCESSOR_RATE',
  'STRIPE_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'STRIPE_API_BASE',
  'STRIPE_PAYEE',
  'STRIPE_RETURN_URL',
  'ALLOW_LIVE',
  'SIMULATOR_URL',
  'SIMULATOR_KEY',
  'SIMULATOR_WEBHOOK_SECRET',
  'SIMULATOR_ABSENCE_AFTER_MS',
  'AGENT_TOKEN',
  'AGENT_RATE',
  'OPERATOR_TOKEN',
  'SECOND_OPERATOR_TOKEN',
  'VIEWER_TOKEN',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_JWKS_URL',
  'JWT_ALGORITHMS',
  'JWT_CLOCK_TOLERANCE_SECONDS',
  'SANDBOX',
  'CALL_TIMEOUT_MS',
  'ALERT_WEBHOOK_URL',
  'ALERT_WEBHOOK_SECRET',
  'ALERT_RUNBOOK_URL',
  'UNKNOWN_ALERT_MINUTES',
  'RECONCILE_MINUTES',
  'RECONCILE_DAYS',
  'WEBHOOK_PRIVATE_HOSTS',
].map((name) => `QUITTANCE_${name}`)

// A setting that is spelt wrongly would leave the default in force, and nobody would know.
function refuseUnknown(env: Readonly<Record<string, string | undefined>>): void {
  const unknown = Object.keys(env).find(
    (name) => name.startsWith('QUITTANCE_') && !settingNames.includes(name),
  )
  if (unknown === undefined) return
  const [nearest] = settingNames.toSorted((a, b) => distance(unknown, a) - distance(unknown, b))
  throw new ConfigError(
    `${unknown} is no setting; the nearest is ${nearest}. docs/reference/settings.md has them all.`,
  )
}

/** How many letters must be put in, taken out or changed to make one of the other. */
function distance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...one].entries()) {
    const line = [row + 1]
    for (const [at, each] of [...other].entries()) {
      const changed = (above[at] ?? 0) + (letter === each ? 0 : 1)
      line.push(Math.min(changed, (above[at + 1] ?? 0) + 1, (line[at] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
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
  /** As AWS's own tools name them; `null`: there are none. */
  readonly aws: AwsVariables | null
}

/** Of an identity of AWS, for the routes below `/aws`. */
export interface AwsVariables {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | null
  readonly region: string | null
}

export function awsVariables(
  env: Readonly<Record<string, string | undefined>> = process.env,
): AwsVariables | null {
  const accessKeyId = text(env, 'AWS_ACCESS_KEY_ID')
  const secretAccessKey = text(env, 'AWS_SECRET_ACCESS_KEY')
  if (accessKeyId === null || secretAccessKey === null) return null
  const sessionToken = text(env, 'AWS_SESSION_TOKEN')
  const region = text(env, 'AWS_REGION') ?? text(env, 'AWS_DEFAULT_REGION')
  return { accessKeyId, secretAccessKey, sessionToken, region }
}

export function readClientSettings(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ClientSettings {
  refuseUnknown(env)
  return Object.freeze({
    url: url(env, 'QUITTANCE_URL') ?? 'http://127.0.0.1:4020',
    dataFolder: env['QUITTANCE_DATA'] ?? '.quittance',
    agentToken: token(env, 'QUITTANCE_AGENT_TOKEN'),
    operatorToken: token(env, 'QUITTANCE_OPERATOR_TOKEN'),
    aws: awsVariables(env),
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

/** `25` or `25/50`: calls a second, and how many may go at once after a rest. `off`: no limit. */
function rate(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  otherwise: RateLimit | null,
): RateLimit | null {
  const text = env[name]
  if (text === undefined || text === '') return otherwise
  if (text === 'off') return null
  const found = /^(\d{1,6}(?:\.\d{1,3})?)(?:\/(\d{1,6}))?$/.exec(text)
  const [perSecond, burst] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 1)]
  if (perSecond > 0 && burst >= 1) return { perSecond, burst }
  throw new ConfigError(
    `${name} is "${text}"; it must be calls a second with a burst, such as 25/50, or off. To let nothing ` +
      'through, pause the processor or suspend the agent.',
  )
}

/** Names or addresses as they stand in a URL, with commas between them. */
function hosts(env: Readonly<Record<string, string | undefined>>, name: string): readonly string[] {
  const given = (env[name] ?? '').split(',').map((each) => each.trim().toLowerCase())
  const found = given.filter((each) => each !== '')
  const wrong = found.find((each) => !/^[a-z0-9._:-]{1,253}$/.test(each))
  if (wrong === undefined) return found
  throw new ConfigError(
    `${name} has "${wrong}"; it must be hosts with commas between them, such as hooks.internal,10.0.0.5.`,
  )
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
