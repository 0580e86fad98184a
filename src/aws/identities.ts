// Callers that sign with an AWS identity, below `/aws`: the gateway has checked the signature and whether
// IAM lets the role use this route; whose role it is stands in the template.
import { isScope } from '../core/access.ts'
import type { Identity } from '../engine/identity.ts'

export type IamCaller = {
  /** Its name, without path: all that is left of it in the ARN of a session. */
  readonly iamRole: string
} & (
  | { readonly role: 'operator' }
  | { readonly role: 'agent'; readonly agent: string; readonly account: string }
)

/** In front of every route that is for signed requests; nothing else leads there. */
export const signedPrefix = '/aws'

export const isSigned = (path: string): boolean => path.startsWith(`${signedPrefix}/`)

/** An operator acts in the name of the session, so that the audit knows the person behind a shared role. */
export function callerOfRole(
  userArn: string | null | undefined,
  known: readonly IamCaller[],
): Identity | null {
  const [, iamRole, session] =
    /^arn:[\w-]+:sts::\d{12}:assumed-role\/([\w+=,.@-]+)\/([\w+=,.@-]+)$/.exec(userArn ?? '') ?? []
  const caller = known.find((each) => each.iamRole === iamRole)
  if (caller === undefined || iamRole === undefined) return null
  if (caller.role === 'operator') return { role: 'operator', name: `${iamRole}/${session}` }
  const { agent, account } = caller
  return { role: 'agent', agent, account }
}

/** What the authoriser has told; API Gateway passes it on as text, and nothing else is believed. */
export function callerOfContext(
  context: Readonly<Record<string, unknown>> | null | undefined,
): Identity | null {
  const { role, agent, account, name, scopes, visibility } = context ?? {}
  if (role === 'operator' && typeof name === 'string') return { role, name }
  if (role !== 'agent' || typeof agent !== 'string' || typeof account !== 'string') return null
  return {
    role,
    agent,
    account,
    // What is no scope allows nothing.
    ...(typeof scopes === 'string' ? { scopes: scopes.split(' ').filter(isScope) } : {}),
    ...(visibility === 'own' ? { visibility } : {}),
  }
}
