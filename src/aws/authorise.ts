// Lambda: the gate. It says who asks and whether they may use this route at all; about keys and payments
// it knows nothing, so that a replay is never turned away here. Its verdict is used once (no cache).
import { identify } from '../engine/identity.ts'
import type { Identity } from '../engine/identity.ts'
import { watchStore } from '../engine/watch-store.ts'
import { readBearer } from '../http/headers.ts'
import type { Store } from '../ports.ts'
import { openDynamoStore } from '../stores/dynamodb/store.ts'
import { readSettings } from './settings.ts'

export interface AuthoriserEvent {
  readonly methodArn: string
  readonly httpMethod: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>> | null
}

/** What the door is told; API Gateway passes text only. */
export type CallerContext =
  | { readonly role: 'agent'; readonly agent: string; readonly account: string }
  | { readonly role: 'operator'; readonly name: string }

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
  readonly context: CallerContext
}

let store: Store | null = null

export async function handler(event: AuthoriserEvent): Promise<Verdict> {
  store ??= watchStore(openDynamoStore({ table: readSettings().text('TABLE') }))
  return authorise(store, event)
}

/** API Gateway answers this word with 401 and nothing else. */
const unauthorised = 'Unauthorized'

export async function authorise(
  table: Pick<Store, 'read'>,
  event: AuthoriserEvent,
): Promise<Verdict> {
  const token = readBearer(headerOf(event, 'authorization'))
  const identity = token === null ? null : await identify({ store: table }, token)
  if (identity === null) throw new Error(unauthorised)
  const context = contextOf(identity)
  return {
    principalId: context.role === 'agent' ? context.agent : context.name,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Action: 'execute-api:Invoke',
          Effect: mayUse(identity, event.path) ? 'Allow' : 'Deny',
          Resource: event.methodArn,
        },
      ],
    },
    context,
  }
}

/** Agents ask about payments and their own limits; everything else under `/v1` is for operators. */
const agentPaths = /^\/v1\/(?:payments(?:\/|$)|mandate$)/

const mayUse = ({ role }: Identity, path: string): boolean =>
  role === 'operator' || agentPaths.test(path)

function contextOf(identity: Identity): CallerContext {
  if (identity.role === 'operator') return { role: 'operator', name: identity.name }
  const { agent, account } = identity
  return { role: 'agent', agent, account }
}

function headerOf({ headers }: AuthoriserEvent, name: string): string | undefined {
  const found = Object.entries(headers ?? {}).find(([each]) => each.toLowerCase() === name)
  return found?.[1]
}
