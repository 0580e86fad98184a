// What the gateway answers by itself, as the problems that agents know from the app. None of them may
// read as "it failed": where a request may have got through, the advice is to ask again with the same
// key, which gives the first answer if there was one.
import { ResponseType } from 'aws-cdk-lib/aws-apigateway'
import type { RestApi } from 'aws-cdk-lib/aws-apigateway'

import { rejectionTable } from '../src/core/rejections.ts'
import type { RejectionCode } from '../src/core/rejections.ts'
import { problem } from '../src/http/problem.ts'

interface Line {
  readonly type: ResponseType
  readonly code: RejectionCode
  readonly detail: string
}

const mayHaveHappened = 'It may have been done. Ask again with the same Idempotency-Key.'
const notIdentified = 'The gateway does not know the caller.'

/** Each kind of refusal that API Gateway has, so that none is left with AWS's own words. */
const lines: readonly Line[] = [
  line(ResponseType.DEFAULT_4XX, 'invalid_request', 'The gateway refused the request.'),
  line(ResponseType.DEFAULT_5XX, 'retry_same_key', mayHaveHappened),
  line(ResponseType.UNAUTHORIZED, 'unauthenticated', notIdentified),
  line(ResponseType.INVALID_SIGNATURE, 'unauthenticated', notIdentified),
  line(ResponseType.EXPIRED_TOKEN, 'unauthenticated', notIdentified),
  line(ResponseType.ACCESS_DENIED, 'forbidden', 'This caller may not use this route.'),
  line(ResponseType.INVALID_API_KEY, 'forbidden', 'The usage plan wants an x-api-key.'),
  line(ResponseType.WAF_FILTERED, 'forbidden', 'The firewall refused the request.'),
  // Also what a path gets that does not exist, and one that should have been signed.
  line(ResponseType.MISSING_AUTHENTICATION_TOKEN, 'not_found', 'GET /openapi.json lists what is.'),
  line(ResponseType.RESOURCE_NOT_FOUND, 'not_found', 'GET /openapi.json lists what there is.'),
  line(
    ResponseType.BAD_REQUEST_PARAMETERS,
    'idempotency_key_missing',
    'Every POST of an agent needs one.',
  ),
  line(ResponseType.BAD_REQUEST_BODY, 'invalid_request', 'The gateway refused the body.'),
  line(ResponseType.UNSUPPORTED_MEDIA_TYPE, 'unsupported_media_type', 'Send application/json.'),
  line(ResponseType.REQUEST_TOO_LARGE, 'body_too_large', 'The gateway read no further.'),
  line(ResponseType.THROTTLED, 'rate_limited', 'Ask again with the same Idempotency-Key.'),
  line(ResponseType.QUOTA_EXCEEDED, 'rate_limited', 'The quota of the usage plan is used up.'),
  line(ResponseType.INTEGRATION_FAILURE, 'retry_same_key', mayHaveHappened),
  line(ResponseType.INTEGRATION_TIMEOUT, 'retry_same_key', mayHaveHappened),
  line(ResponseType.AUTHORIZER_FAILURE, 'retry_same_key', 'The caller could not be looked up.'),
  line(
    ResponseType.AUTHORIZER_CONFIGURATION_ERROR,
    'retry_same_key',
    'The caller could not be looked up.',
  ),
  line(ResponseType.API_CONFIGURATION_ERROR, 'retry_same_key', mayHaveHappened),
]

function line(type: ResponseType, code: RejectionCode, detail: string): Line {
  return { type, code, detail }
}

export function addGatewayResponses(api: RestApi): void {
  for (const { type, code, detail } of lines) {
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: String(rejectionTable[code].status),
      templates: { 'application/json': bodyOf(code, detail) },
      responseHeaders: headersOf(code, detail),
    })
  }
}

/** The gateway knows no Velocity here: nothing of the request can be put in, only its id. */
function bodyOf(code: RejectionCode, detail: string): string {
  const { body } = answerOf(code, detail)
  const { instance: _, ...rest } = body as Record<string, unknown>
  return JSON.stringify(rest)
}

function headersOf(code: RejectionCode, detail: string): Record<string, string> {
  const { headers } = answerOf(code, detail)
  const literal = Object.entries(headers).map(([name, value]) => [name, `'${value}'`])
  return {
    ...Object.fromEntries(literal),
    'cache-control': "'no-store'",
    'x-content-type-options': "'nosniff'",
    'request-id': 'context.requestId',
  }
}

function answerOf(code: RejectionCode, detail: string) {
  const place = { instance: '', docsUrl: '/docs', nowMs: 0 }
  return problem({ rejection: { code, detail } }, place)
}
