// Who may pass: the Lambda authoriser of a route, or the policies of an AWS identity.
// Source: API Gateway Developer Guide, "Use API Gateway Lambda authorizers", "Control access to a REST
// API with IAM permissions". Not here: caching (a time to live other than 0 is refused), TOKEN
// authorisers, resource policies of the API, signatures.
import { asObject, asText, isObject, listOf, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Guard } from '../iam/guard.ts'
import type { Resource, Template } from '../template/template.ts'
import type { Result } from '../aws/sandbox.ts'
import { functionOfUri } from './routes.ts'
import type { ResponseType } from './responses.ts'

export interface Authoriser {
  readonly id: string
  readonly functionArn: string
  /** Headers that have to be there, else nobody is asked. */
  readonly identity: readonly string[]
}

export type Verdict =
  | { readonly pass: true; readonly context: JsonObject }
  | { readonly pass: false; readonly response: ResponseType }

const no = (response: ResponseType): Verdict => ({ pass: false, response })

export function readAuthorisers(template: Template): ReadonlyMap<string, Authoriser> {
  return new Map(
    template.ofType('AWS::ApiGateway::Authorizer').map((resource) => [resource.id, read(resource)]),
  )
}

function read({ id, properties }: Resource): Authoriser {
  onlyKnown(id, properties, [
    'AuthorizerResultTtlInSeconds',
    'AuthorizerUri',
    'IdentitySource',
    'Name',
    'RestApiId',
    'Type',
  ])
  if (properties['Type'] !== 'REQUEST') throw new Error(`${id} is a ${wordOf(properties['Type'])}`)
  if (properties['AuthorizerResultTtlInSeconds'] !== 0) throw new Error(`${id} keeps its verdicts`)
  const identity = asText(properties['IdentitySource'] ?? '', id)
    .split(',')
    .map((source) => {
      const header = /^\s*method\.request\.header\.(.+?)\s*$/.exec(source)?.[1]
      if (header === undefined) throw new Error(`${id} knows callers by ${source}`)
      return header.toLowerCase()
    })
  return { id, functionArn: functionOfUri(asText(properties['AuthorizerUri'], id)), identity }
}

/** Asks the function; what it answers is a policy, which is evaluated for this very route. */
export async function askAuthoriser(
  { identity }: Authoriser,
  event: JsonObject,
  invoke: (event: JsonObject) => Promise<Result>,
): Promise<Verdict> {
  const headers = lowerCased(asObject(event['headers'], 'headers'))
  if (identity.some((name) => (headers[name] ?? '') === '')) return no('UNAUTHORIZED')
  const result = await invoke({ ...event, type: 'REQUEST' })
  if (!result.ok) {
    return no(result.error.errorMessage === 'Unauthorized' ? 'UNAUTHORIZED' : 'AUTHORIZER_FAILURE')
  }
  const answer = JSON.parse(result.payload) as Json
  if (!isObject(answer) || Buffer.byteLength(result.payload) > 8_192) {
    return no('AUTHORIZER_CONFIGURATION_ERROR')
  }
  const { policyDocument, principalId, context = {} } = answer
  if (!isObject(policyDocument)) return no('AUTHORIZER_CONFIGURATION_ERROR')
  if (!allows(policyDocument, asText(event['methodArn'], 'methodArn'))) return no('ACCESS_DENIED')
  // Only texts, numbers and booleans pass, each as a text.
  const passed = Object.entries(asObject(context, 'context')).map(([key, value]) => {
    if (typeof value === 'object') throw new Error(`the authoriser’s context holds ${key}`)
    return [key, String(value)] as const
  })
  return {
    pass: true,
    context: { ...Object.fromEntries(passed), principalId: principalId ?? null },
  }
}

function lowerCased(headers: JsonObject): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]),
  )
}

function allows(policy: JsonObject, methodArn: string): boolean {
  const statements = listOf(policy['Statement']).map((each) => asObject(each, 'statement'))
  const fitting = statements.filter(
    ({ Action, Resource, Condition }) =>
      Condition === undefined &&
      listOf(Action).some((action) => fits(wordOf(action), 'execute-api:Invoke')) &&
      listOf(Resource).some((resource) => fits(wordOf(resource), methodArn)),
  )
  if (fitting.some(({ Effect }) => Effect === 'Deny')) return false
  return fitting.some(({ Effect }) => Effect === 'Allow')
}

/** `*` for anything, `?` for one character. */
function fits(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
  const expression = escaped.replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${expression}$`, 's').test(text)
}

/** A caller with AWS identity: its own policies decide about the route. */
export async function askPolicies(
  guard: Guard,
  callerArn: string | null,
  methodArn: string,
): Promise<Verdict> {
  if (callerArn === null) return no('MISSING_AUTHENTICATION_TOKEN')
  const need = { action: 'execute-api:Invoke', resource: methodArn, context: {} }
  const denied = await guard.role(callerArn, need)
  return denied === null ? { pass: true, context: {} } : no('ACCESS_DENIED')
}
