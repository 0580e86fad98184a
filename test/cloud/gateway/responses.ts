// What the gateway says itself, from the template's gateway responses.
// Source: API Gateway Developer Guide, "Gateway response types". Not here: templates in VTL beyond
// `$context` variables (refused), mapping by path.
import { asObject, asText } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { Template } from '../template/template.ts'

export type ResponseType =
  | 'ACCESS_DENIED'
  | 'AUTHORIZER_CONFIGURATION_ERROR'
  | 'AUTHORIZER_FAILURE'
  | 'BAD_REQUEST_PARAMETERS'
  | 'DEFAULT_5XX'
  | 'INTEGRATION_TIMEOUT'
  | 'MISSING_AUTHENTICATION_TOKEN'
  | 'REQUEST_TOO_LARGE'
  | 'THROTTLED'
  | 'UNAUTHORIZED'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Where the template says nothing: API Gateway's own status. */
const statuses: Readonly<Record<ResponseType, number>> = {
  ACCESS_DENIED: 403,
  AUTHORIZER_CONFIGURATION_ERROR: 500,
  AUTHORIZER_FAILURE: 500,
  BAD_REQUEST_PARAMETERS: 400,
  DEFAULT_5XX: 500,
  INTEGRATION_TIMEOUT: 504,
  MISSING_AUTHENTICATION_TOKEN: 403,
  REQUEST_TOO_LARGE: 413,
  THROTTLED: 429,
  UNAUTHORIZED: 401,
}

export type Context = Readonly<Record<string, string>>

export function createResponses(
  template: Template,
): (type: ResponseType, context: Context) => Reply {
  const given = new Map(
    template
      .ofType('AWS::ApiGateway::GatewayResponse')
      .map(({ id, properties }) => [asText(properties['ResponseType'], id), properties] as const),
  )
  return (type, context) => {
    const own = given.get(type) ?? given.get(statuses[type] < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX')
    if (own === undefined) return { status: statuses[type], headers: {}, body: '{"message":null}' }
    return reply(type, own, context)
  }
}

function reply(type: ResponseType, own: JsonObject, context: Context): Reply {
  const templates = asObject(own['ResponseTemplates'] ?? {}, type)
  const body = asText(templates['application/json'] ?? '', type)
  if (body.includes('#')) {
    // A fragment of a URL is none of VTL's directives.
    if (/#(set|if|else|end|foreach|macro)\b/.test(body)) throw new Error(`${type} is a program`)
  }
  const headers = Object.entries(asObject(own['ResponseParameters'] ?? {}, type)).map(
    ([key, value]) => {
      const name = /^gatewayresponse\.header\.(.+)$/.exec(key)?.[1]
      if (name === undefined) throw new Error(`${type} sets ${key}`)
      return [name.toLowerCase(), valueOf(asText(value, key), context)] as const
    },
  )
  return {
    status: Number(own['StatusCode'] ?? statuses[type]),
    headers: { 'content-type': 'application/json', ...Object.fromEntries(headers) },
    body: body.replaceAll(/\$context\.([\w.]+)/g, (_, name: string) => context[name] ?? ''),
  }
}

/** A text in quotes, or a variable. */
function valueOf(expression: string, context: Context): string {
  const literal = /^'(.*)'$/.exec(expression)?.[1]
  if (literal !== undefined) return literal
  const variable = /^context\.([\w.]+)$/.exec(expression)?.[1]
  if (variable === undefined) throw new Error(`a header’s value ${expression}`)
  return context[variable] ?? ''
}
