// How the SDK puts calls on the wire, as far as our functions make them: AWS JSON 1.0 and 1.1 with
// `X-Amz-Target`, the query protocol (SNS), and objects of S3 by path. Source: Smithy, "AWS Protocols".
// Not here: CBOR, REST-JSON, presigned URLs, parts of objects, buckets in the host's name. A call in another form is refused.
import type { IncomingHttpHeaders } from 'node:http'

import { asObject, parseObject } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { Call } from '../iam/needs.ts'

export interface Answer {
  readonly status: number
  readonly body: string
  readonly type?: string
  /** In place of the body, where it is no text. */
  readonly bytes?: Uint8Array
}

/** `Credential=KEY/20260101/us-east-1/dynamodb/aws4_request, …` */
export function readCredential(headers: IncomingHttpHeaders): {
  readonly accessKey: string
  readonly service: string
} | null {
  const found = /Credential=([^/]+)\/\d+\/[^/]*\/([^/]+)\/aws4_request/.exec(
    headers.authorization ?? '',
  )
  const [, accessKey, service] = found ?? []
  return accessKey === undefined || service === undefined ? null : { accessKey, service }
}

/** What a method does to an object. */
const ofObjects: Readonly<Record<string, string>> = {
  DELETE: 'DeleteObject',
  GET: 'GetObject',
  PUT: 'PutObject',
}

/** `/bucket/key` */
export function readObjectCall(method: string, path: string): Call {
  const [, Bucket, Key] = /^\/([^/?]+)\/([^?]+)$/.exec(path) ?? []
  const operation = ofObjects[method]
  if (operation === undefined || Bucket === undefined || Key === undefined) {
    throw new Error(`a call of s3 that is not known here: ${method} ${path}`)
  }
  return { service: 's3', operation, input: { Bucket, Key } }
}

export function readCall(service: string, headers: IncomingHttpHeaders, body: string): Call {
  const target = headers['x-amz-target']
  if (typeof target === 'string') {
    const operation = target.split('.').at(-1) ?? target
    return { service, operation, input: parseObject(body, target) }
  }
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    const { Action = '', ...input } = Object.fromEntries(new URLSearchParams(body))
    return { service, operation: Action, input: asObject(input, Action) }
  }
  throw new Error(`a call of ${service} in a form not known here: ${headers['content-type']}`)
}

export const json = (body: JsonObject, status = 200): Answer => ({
  status,
  body: JSON.stringify(body),
})

/** An error as the service's protocol has it. */
export function failure(service: string, code: string, message: string, status = 400): Answer {
  if (service === 'sns') {
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`
    return { status, body, type: 'text/xml' }
  }
  return json({ __type: code, message, Message: message }, status)
}
