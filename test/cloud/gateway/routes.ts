// The routes of the REST API, from the template's resources and methods.
// Source: API Gateway Developer Guide, "REST API methods". Not here: {proxy+} (refused), stages beside
// the one, canaries, mock and HTTP integrations, models.
import { asObject, asText, onlyKnown, wordOf } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { Template } from '../template/template.ts'

export interface Route {
  readonly method: string
  /** As the template has it: `/v1/payments/{id}`. */
  readonly path: string
  readonly authorisation: 'NONE' | 'CUSTOM' | 'AWS_IAM'
  readonly authorizerId: string | null
  readonly functionArn: string
  /** Headers that the validator wants to see. */
  readonly requiredHeaders: readonly string[]
}

export interface Found {
  readonly route: Route
  readonly parameters: Readonly<Record<string, string>>
}

export type FindRoute = (method: string, path: string) => Found | null

const known = [
  'ApiKeyRequired',
  'AuthorizationType',
  'AuthorizerId',
  'HttpMethod',
  'Integration',
  'OperationName',
  'RequestParameters',
  'RequestValidatorId',
  'ResourceId',
  'RestApiId',
  'MethodResponses',
]

export function readRoutes(template: Template): readonly Route[] {
  const paths = pathsOf(template)
  const validators = new Set(
    template
      .ofType('AWS::ApiGateway::RequestValidator')
      .filter(({ properties }) => properties['ValidateRequestParameters'] === true)
      .map(({ id }) => id),
  )
  return template.ofType('AWS::ApiGateway::Method').map(({ id, properties }): Route => {
    onlyKnown(id, properties, known)
    if (properties['ApiKeyRequired'] === true) throw new Error(`${id} wants a key of a plan`)
    const authorisation = asText(properties['AuthorizationType'], id)
    if (authorisation !== 'NONE' && authorisation !== 'CUSTOM' && authorisation !== 'AWS_IAM') {
      throw new Error(`${id} is open to ${authorisation}`)
    }
    const isValidated = validators.has(wordOf(properties['RequestValidatorId']))
    return {
      method: asText(properties['HttpMethod'], id),
      path: paths.get(asText(properties['ResourceId'], id)) ?? '/',
      authorisation,
      authorizerId: authorisation === 'CUSTOM' ? asText(properties['AuthorizerId'], id) : null,
      functionArn: functionOf(asObject(properties['Integration'], id), id),
      requiredHeaders: isValidated
        ? headersOf(asObject(properties['RequestParameters'] ?? {}, id))
        : [],
    }
  })
}

function pathsOf(template: Template): ReadonlyMap<string, string> {
  const resources = new Map(
    template.ofType('AWS::ApiGateway::Resource').map(({ id, properties }) => [id, properties]),
  )
  const pathOf = (id: string): string => {
    const resource = resources.get(id)
    if (resource === undefined) return '' // the root
    return `${pathOf(asText(resource['ParentId'], id))}/${asText(resource['PathPart'], id)}`
  }
  return new Map([...resources.keys()].map((id) => [id, pathOf(id)]))
}

function functionOf(integration: JsonObject, id: string): string {
  onlyKnown(id, integration, ['IntegrationHttpMethod', 'Type', 'Uri', 'TimeoutInMillis'])
  if (integration['Type'] !== 'AWS_PROXY')
    throw new Error(`${id} integrates ${wordOf(integration['Type'])}`)
  return functionOfUri(asText(integration['Uri'], id))
}

/** `arn:aws:apigateway:…:lambda:path/2015-03-31/functions/ARN/invocations` */
export function functionOfUri(uri: string): string {
  const arn = /\/functions\/(.+)\/invocations$/.exec(uri)?.[1]
  if (arn === undefined) throw new Error(`${uri} leads to no function`)
  return arn
}

function headersOf(parameters: JsonObject): readonly string[] {
  return Object.entries(parameters).flatMap(([key, isRequired]) => {
    const header = /^method\.request\.header\.(.+)$/.exec(key)?.[1]
    if (header === undefined) throw new Error(`the validator looks at ${key}`)
    return isRequired === true ? [header] : []
  })
}

/** A fixed part goes before a variable one, as at the gateway. */
export function finder(routes: readonly Route[]): FindRoute {
  const tree: Node = { routes: new Map(), fixed: new Map(), variable: null }
  for (const route of routes) plant(tree, route)
  return (method, path) => {
    const parts = path.split('/').filter((part) => part !== '')
    const found = walk(tree, parts, {})
    const route = found?.node.routes.get(method) ?? found?.node.routes.get('ANY')
    return found === null || route === undefined ? null : { route, parameters: found.parameters }
  }
}

interface Node {
  readonly routes: Map<string, Route>
  readonly fixed: Map<string, Node>
  variable: { readonly name: string; readonly node: Node } | null
}

function plant(tree: Node, route: Route): void {
  let node = tree
  for (const part of route.path.split('/').filter((each) => each !== '')) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined && part.includes('{')) throw new Error(`a path part ${part}`)
    const empty = (): Node => ({ routes: new Map(), fixed: new Map(), variable: null })
    if (name === undefined) {
      const next = node.fixed.get(part) ?? empty()
      node.fixed.set(part, next)
      node = next
    } else {
      node.variable ??= { name, node: empty() }
      node = node.variable.node
    }
  }
  node.routes.set(route.method, route)
}

function walk(
  node: Node,
  [part, ...rest]: readonly string[],
  parameters: Readonly<Record<string, string>>,
): { readonly node: Node; readonly parameters: Readonly<Record<string, string>> } | null {
  if (part === undefined) return { node, parameters }
  const fixed = node.fixed.get(part)
  if (fixed !== undefined) return walk(fixed, rest, parameters)
  if (node.variable === null) return null
  const { name, node: next } = node.variable
  return walk(next, rest, { ...parameters, [name]: decodeURIComponent(part) })
}
