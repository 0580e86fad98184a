// Lambda: the gate. It says who asks and whether they may use this route at all; about keys and payments
// it knows nothing, so that a replay is never turned away here. Its verdict is used once (no cache).
import type { AgentRow, JwtSettings } from '../core/access.ts'
import type { Identity } from '../engine/identity.ts'
import { watchStore } from '../engine/watch-store.ts'
import { identifyBearer } from '../http/bearer.ts'
import { readBearer, readIdempotencyKey } from '../http/headers.ts'
import { createJwkSource } from '../http/jwk-source.ts'
import { createJwtVerifier } from '../http/jwt.ts'
import type { JwtVerifier } from '../http/jwt.ts'
import type { Store } from '../ports.ts'
import { openDynamoStore } from '../stores/dynamodb/store.ts'
import { readSettings } from './settings.ts'

export interface AuthoriserEvent {
  readonly methodArn: string
  readonly httpMethod: string
  /** The route as it is in the table, with `{id}` in it. */
  readonly resource: string
  readonly headers: Readonly<Record<string, string | undefined>> | null
}

/** What the door is told; API Gateway passes text only. */
export type CallerContext =
  | {
      readonly role: 'agent'
      readonly agent: string
      readonly account: string
      /** With spaces between them; left out: all of them. */
      readonly scopes?: string
      readonly visibility?: 'own'
    }
  | { readonly role: 'operator'; readonly name: string }

/** What is told besides, for the access log: nothing is decided by it here. */
interface Observed {
  readonly key_form: 'missing' | 'valid' | 'invalid'
  readonly suspended: boolean
}

export interface Verdict {
  readonly principalId: string
  readonly policyDocument: {
    readonly Version: '2012-10-17'
    readonly Statement: readonly [
      {
        readonly Action: 'execute-api:Invoke'
        readonly Effect: 'Allow' | 'Deny'
        readonly Resource: string
      },
    ]
  }
  readonly context: CallerContext & Observed
}

let store: Store | null = null
let jwt: JwtVerifier | null | undefined

export async function handler(event: AuthoriserEvent): Promise<Verdict> {
  store ??= watchStore(openDynamoStore({ table: readSettings().text('TABLE') }))
  // Its keys are kept for as long as this instance lives.
  if (jwt === undefined) jwt = verifierOf(readSettings().json<JwtSettings | null>('JWT'))
  return authorise(store, event, jwt ?? undefined)
}

const verifierOf = (settings: JwtSettings | null): JwtVerifier | null =>
  settings === null
    ? null
    : createJwtVerifier(
        settings,
        createJwkSource(settings.jwksUrl, { onFault: tellFault }),
        Date.now,
      )

const tellFault = (detail: string): void =>
  console.error(JSON.stringify({ level: 'error', kind: 'jwks_unreadable', detail }))

/** API Gateway answers this word with 401 and nothing else; whatever else is thrown is a 500. */
const unauthorised = 'Unauthorized'

export async function authorise(
  table: Pick<Store, 'read'>,
  event: AuthoriserEvent,
  verifier?: JwtVerifier,
): Promise<Verdict> {
  const token = readBearer(headerOf(event, 'authorization'))
  const { watched, suspended } = watchAgent(table)
  const directory = { store: watched, time: { nowMs: Date.now } }
  const bearer = token === null ? null : await identifyBearer(directory, verifier, token)
  // Nobody is called a stranger for it: the gateway says 500, and to ask again with the same key.
  if (bearer?.result === 'no_keys') throw new Error('the keys of the tokens cannot be read')
  if (bearer?.result !== 'known') throw new Error(unauthorised)
  const { identity } = bearer
  const context = contextOf(identity)
  return {
    principalId: context.role === 'agent' ? context.agent : context.name,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Action: 'execute-api:Invoke',
          Effect: mayUse(identity, event) ? 'Allow' : 'Deny',
          Resource: event.methodArn,
        },
      ],
    },
    context: { ...context, key_form: keyForm(event), suspended: suspended() },
  }
}

// Literals and not the table of routes itself, which would load the whole app for each request; a test
// compares the two.
const agentsOnly: ReadonlySet<string> = new Set([
  'POST /v1/payments',
  'POST /v1/payments/batch',
  'POST /v1/payments/{id}/capture',
  'POST /v1/payments/{id}/void',
  'POST /v1/payments/{id}/refunds',
  'POST /mcp',
  'GET /v1/callback',
  'PUT /v1/callback',
  'POST /v1/callback/rotate',
  'DELETE /v1/callback',
])
const agentsToo: ReadonlySet<string> = new Set([
  'GET /v1/payments',
  'GET /v1/payments/{id}',
  'GET /v1/payments/{id}/events',
  'GET /v1/payments/{id}/receipt',
  'GET /v1/mandate',
  'GET /v1/events',
])

function mayUse({ role }: Identity, { httpMethod, resource }: AuthoriserEvent): boolean {
  const route = `${httpMethod} ${resource}`
  return role === 'operator'
    ? !agentsOnly.has(route)
    : agentsOnly.has(route) || agentsToo.has(route)
}

// A suspended agent passes: its replays are answered, and the claim refuses what is new.
function watchAgent(table: Pick<Store, 'read'>): {
  readonly watched: Pick<Store, 'read'>
  readonly suspended: () => boolean
} {
  let isSuspended = false
  const read: Store['read'] = async (keys) => {
    const rows = await table.read(keys)
    for (const [place, { table: name }] of keys.entries()) {
      const value = rows[place]?.value
      if (name === 'agent' && value !== undefined) isSuspended = (value as AgentRow).suspended // of its key
    }
    return rows
  }
  return { watched: { read }, suspended: () => isSuspended }
}

function keyForm(event: AuthoriserEvent): Observed['key_form'] {
  const key = headerOf(event, 'idempotency-key')
  if (key === undefined) return 'missing'
  return readIdempotencyKey(key) === null ? 'invalid' : 'valid'
}

function contextOf(identity: Identity): CallerContext {
  if (identity.role === 'operator') return { role: 'operator', name: identity.name }
  const { agent, account, scopes, visibility } = identity
  return {
    role: 'agent',
    agent,
    account,
    ...(scopes === undefined ? {} : { scopes: scopes.join(' ') }),
    ...(visibility === 'own' ? { visibility } : {}),
  }
}

function headerOf({ headers }: AuthoriserEvent, name: string): string | undefined {
  const found = Object.entries(headers ?? {}).find(([each]) => each.toLowerCase() === name)
  return found?.[1]
}
