// Asks of every call whether its caller may make it, and keeps count of the permissions that were
// needed. Source of the rules: IAM User Guide, "Policy evaluation logic", as `iam-simulate` has them.
// Not here: organisation policies, boundaries, sessions, VPC endpoints, and signatures: whoever knows
// an access key of the run is its owner.
import { runSimulation } from '@cloud-copilot/iam-simulate'
import type { RequestAnalysis } from '@cloud-copilot/iam-simulate'

import type { JsonObject } from '../json.ts'
import { accountId } from '../template/names.ts'
import { permissionsOf } from './policies.ts'
import type { Permission, Principal } from './policies.ts'
import { questionsOf } from './questions.ts'
import type { Ask } from './questions.ts'

/** What one call needs: an action on a resource, and what else a policy may ask about it. */
export interface Need {
  readonly action: string
  readonly resource: string
  readonly context: Readonly<Record<string, string | readonly string[]>>
}

export interface Denied {
  readonly caller: string
  readonly action: string
  readonly resource: string
  /** The keys of the table that it was about. */
  readonly keys?: readonly string[]
}

export interface Guard {
  /** `null`: allowed; else the sentence that AWS would answer with. */
  readonly role: (arn: string, need: Need) => Promise<string | null>
  /** A service of AWS that acts for itself: only the resource's own policy can allow it. */
  readonly service: (name: string, need: Need) => Promise<string | null>
  readonly denied: readonly Denied[]
  readonly unused: () => readonly Permission[]
  readonly evaluations: () => number
}

export function createGuard(
  principals: ReadonlyMap<string, Principal>,
  resourcePolicies: ReadonlyMap<string, JsonObject>,
): Guard {
  const used = new Set<string>()
  const denied: Denied[] = []
  const asks = new Map<string, Ask>()
  const verdicts = new Map<string, Promise<RequestAnalysis>>()
  let evaluations = 0

  const evaluate = async (caller: string, need: Need): Promise<RequestAnalysis> => {
    const policies = principals.get(caller)?.policies ?? []
    const attached = resourcePolicies.get(owner(need.resource))
    const place = `${caller} ${owner(need.resource)}`
    const ask =
      asks.get(place) ?? questionsOf(attached === undefined ? policies : [...policies, attached])
    asks.set(place, ask)
    const key = `${caller} ${need.action} ${need.resource} ${ask(need.context)}`
    const known = verdicts.get(key)
    if (known !== undefined) return known
    evaluations += 1
    const verdict = simulate(caller, need, policies, attached)
    verdicts.set(key, verdict)
    return verdict
  }
  const judge = async (caller: string, need: Need, name: string): Promise<string | null> => {
    const analysis = await evaluate(caller, need)
    if (analysis.result === 'Allowed') {
      for (const id of grantsIn(analysis, name)) used.add(id)
      return null
    }
    const keys = need.context['dynamodb:LeadingKeys']
    denied.push({
      caller: name,
      action: need.action,
      resource: need.resource,
      ...(keys === undefined ? {} : { keys: [keys].flat() }),
    })
    const why =
      analysis.result === 'ExplicitlyDenied'
        ? 'with an explicit deny'
        : 'because no policy allows it'
    return `User: ${caller} is not authorized to perform: ${need.action} on resource: ${need.resource} ${why}`
  }
  return Object.freeze({
    role: async (arn: string, need: Need) => {
      const principal = principals.get(arn)
      if (principal === undefined) throw new Error(`${arn} is not a role of the template`)
      return judge(arn, need, principal.name)
    },
    service: async (name: string, need: Need) => judge(name, need, name),
    denied,
    unused: () =>
      [...principals.values()]
        .flatMap(permissionsOf)
        .filter((permission) => !used.has(idOf(permission))),
    evaluations: () => evaluations,
  })
}

const idOf = ({ holder, sid, action, resource }: Omit<Permission, 'isPlatform'>): string =>
  JSON.stringify([holder, sid, action.toLowerCase(), resource])

/** An object belongs to its bucket, whose policy speaks for it. */
const owner = (arn: string): string =>
  arn.startsWith('arn:aws:s3:::') ? (arn.split('/')[0] ?? arn) : arn

async function simulate(
  caller: string,
  { action, resource, context }: Need,
  policies: readonly JsonObject[],
  resourcePolicy: JsonObject | undefined,
): Promise<RequestAnalysis> {
  const answer = await runSimulation(
    {
      request: {
        principal: caller,
        action,
        resource: { resource, accountId },
        contextVariables: {
          'aws:SecureTransport': 'true',
          'aws:SourceAccount': accountId,
          's3:TlsVersion': '1.3',
          ...Object.fromEntries(
            Object.entries(context).map(([key, value]) => [
              key,
              typeof value === 'string' ? value : [...value],
            ]),
          ),
        },
      },
      identityPolicies: policies.map((policy, index) => ({ name: `${index}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
    },
    {},
  )
  if (answer.resultType !== 'single') {
    throw new Error(`${action} on ${resource} cannot be judged: ${JSON.stringify(answer)}`)
  }
  return answer.result.analysis
}

/** The permissions by which it was allowed. */
function grantsIn(analysis: RequestAnalysis, holder: string): readonly string[] {
  return (analysis.identityAnalysis?.allowStatements ?? []).flatMap(({ explain }) =>
    explain.actions === undefined || explain.resources === undefined
      ? []
      : matching(explain.actions).flatMap(({ action }) =>
          matching(explain.resources).map(({ resource }) =>
            idOf({ holder, sid: explain.identifier, action, resource }),
          ),
        ),
  )
}

const matching = <T extends { readonly matches: boolean }>(
  given: T | readonly T[] | undefined,
): readonly T[] =>
  given === undefined ? [] : [given].flat().filter((each): each is T => (each as T).matches)
