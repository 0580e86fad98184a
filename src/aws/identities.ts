// Callers that sign with an AWS identity, below `/aws`: the gateway has checked the signature and whether
// IAM lets the role use this route; whose role it is stands in the template.
import type { CallerContext } from './authorise.ts'

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
): CallerContext | null {
  const [, iamRole, session] =
    /^arn:[\w-]+:sts::\d{12}:assumed-role\/([\w+=,.@-]+)\/([\w+=,.@-]+)$/.exec(userArn ?? '') ?? []
  const caller = known.find((each) => each.iamRole === iamRole)
  if (caller === undefined || iamRole === undefined) return null
  if (caller.role === 'operator') return { role: 'operator', name: `${iamRole}/${session}` }
  const { agent, account } = caller
  return { role: 'agent', agent, account }
}
