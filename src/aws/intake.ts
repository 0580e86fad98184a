// Lambda: the door, the same app as on one machine. Who asks was found out by the authoriser or by IAM, and
// is believed from the gateway's own context only, never from a header.
import { openDoor } from '../http/door.ts'
import { createApp } from '../http/app.ts'
import type { Surroundings } from '../http/service.ts'
import type { Processor } from '../ports.ts'
import { readWebhook as readSimulated } from '../processors/simulated/webhook.ts'
import type { Identity } from '../engine/identity.ts'
import { callerOfContext, callerOfRole, isSigned, signedPrefix } from './identities.ts'
import type { IamCaller } from './identities.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { describedProcessor } from './processors.ts'
import { createSecrets } from './secrets.ts'
import { rateOf, readSettings } from './settings.ts'
import type { ProcessorSettings, Settings } from './settings.ts'

export interface GatewayEvent {
  readonly httpMethod: string
  readonly path: string
  readonly multiValueHeaders: Readonly<Record<string, readonly string[]>> | null
  readonly multiValueQueryStringParameters: Readonly<Record<string, readonly string[]>> | null
  readonly body: string | null
  readonly isBase64Encoded: boolean
  readonly requestContext: {
    readonly domainName?: string
    readonly authorizer?: Readonly<Record<string, unknown>> | null
    readonly identity?: { readonly userArn?: string | null } | null
  }
}

export interface GatewayAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type App = ReturnType<typeof createApp>

interface Opened {
  readonly app: App
  readonly during: AwsEngine['during']
  readonly roles: readonly IamCaller[]
}

/** The gateway gives up after 29 s, and a run begins within a second or two. */
const longestWaitSeconds = 5

const readSecret = createSecrets()
let opened: Promise<Opened> | null = null

async function open(settings: Settings): Promise<Opened> {
  const arns = settings.json<Record<string, string>>('WEBHOOK_SECRET_ARNS')
  const described = settings.json<Record<string, ProcessorSettings>>('PROCESSORS')
  const processors = new Map<string, Processor>()
  for (const [name, given] of Object.entries(described)) {
    const arn = arns[name]
    // Without its secret no webhook is believed; payments do not need it.
    const secret = arn === undefined ? null : await readSecret(arn).catch(() => null)
    const readWebhook: Processor['readWebhook'] = (body, headers, nowMs) =>
      readSimulated(secret, body, headers, nowMs)
    processors.set(name, describedProcessor(name, given, readWebhook))
  }
  // Somebody waits for the answer: the bus and the sweep tell what people must hear of.
  const { engine, during } = openEngine({ settings, processors, isBlind: true })
  const app = createApp({
    engine,
    door: openDoor(rateOf(settings.text('AGENT_RATE'))),
    isReady: () => ({ ready: true }),
    alertRunbookUrl: settings.text('ALERT_RUNBOOK_URL'),
  })
  return { app, during, roles: settings.json<IamCaller[]>('IAM_CALLERS') }
}

/** How long one that was opened is kept: a webhook's secret may have changed. */
const keepForMs = 300_000
let openedAtMs = 0

export async function handler(event: GatewayEvent): Promise<GatewayAnswer> {
  if (opened === null || Date.now() - openedAtMs > keepForMs) {
    openedAtMs = Date.now()
    opened = open(readSettings())
  }
  const { app, during, roles } = await opened.catch((error: unknown) => {
    opened = null
    throw error
  })
  return during(noTime, () => answer(app, event, roles))
}

const noTime = (): number => 0

export async function answer(
  app: Pick<App, 'fetch'>,
  event: GatewayEvent,
  roles: readonly IamCaller[] = [],
): Promise<GatewayAnswer> {
  const surroundings: Surroundings = { caller: callerOf(event, roles) }
  const response = await app.fetch(requestOf(event), surroundings)
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

function requestOf(event: GatewayEvent): Request {
  const { httpMethod: method, body, isBase64Encoded, requestContext } = event
  const path = isSigned(event.path) ? event.path.slice(signedPrefix.length) : event.path
  const url = new URL(`https://${requestContext.domainName ?? 'localhost'}${path}`)
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) {
    for (const value of values) url.searchParams.append(name, value)
  }
  const headers = new Headers()
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {})) {
    for (const value of values) headers.append(name, value)
  }
  const prefer = headers.get('prefer')
  if (prefer !== null) headers.set('prefer', shortened(prefer))
  const bytes = body === null ? null : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
  const hasBody = bytes !== null && method !== 'GET' && method !== 'HEAD'
  return new Request(url, { method, headers, ...(hasBody ? { body: bytes } : {}) })
}

const shortened = (prefer: string): string =>
  prefer.replace(
    /wait\s*=\s*"?(\d+)"?/i,
    (_, seconds: string) => `wait=${Math.min(Number(seconds), longestWaitSeconds)}`,
  )

function callerOf(
  { path, requestContext }: GatewayEvent,
  roles: readonly IamCaller[],
): Identity | null {
  return isSigned(path)
    ? callerOfRole(requestContext.identity?.userArn, roles)
    : callerOfContext(requestContext.authorizer)
}
