// The OpenAPI document, made from the route table and the schemas that check and type it.
import { OpenAPIHono } from '@hono/zod-openapi'
import type { RouteConfig } from '@hono/zod-openapi'
import * as z from 'zod'

import { rejectionTable } from '../core/rejections.ts'
import type { Route, RouteDoc } from './route.ts'
import { variableOf } from './variables.ts'
import { problemJson } from './wire.ts'

const headerDocs = {
  'idempotency-key': {
    name: 'Idempotency-Key',
    required: true,
    description:
      'One for each payment or act you mean; the same with each try. 1 to 255 visible ASCII ' +
      'characters, quoted or bare. Kept for the life of the payment.',
    schema: { type: 'string', maxLength: 257 },
  },
  prefer: {
    name: 'Prefer',
    required: false,
    description: '`wait=N`: answer at the end, at a hold, or after N seconds (at most 25).',
    schema: { type: 'string', example: 'wait=10' },
  },
  'if-match': {
    name: 'If-Match',
    required: true,
    description: 'The `version` of the payment as it was shown; if it has changed, 412.',
    schema: { type: 'string', example: '"6"' },
  },
} as const

export function describe(routes: readonly Route[]): object {
  const { openAPIRegistry: registry, getOpenAPI31Document } = new OpenAPIHono()
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  for (const route of routes) registry.registerPath(operation(route))
  return getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Quittance',
      version: '1',
      description:
        'Payments for autonomous agents that happen once or not at all, and say which. Every answer ' +
        'says whether money moved, what to do next, and whether a new key is allowed. An empty 5xx, ' +
        'from wherever it comes, means: not known; retry with the same key.',
      license: { name: 'Apache-2.0' },
    },
  })
}

function operation(route: Route): RouteConfig {
  const { doc, body, query } = route
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return {
    // The same words in small letters.
    method: route.method.toLowerCase() as Lowercase<Route['method']>,
    path: route.path,
    operationId: doc.name,
    summary: doc.summary,
    tags: [route.access],
    ...(route.access === 'anyone' ? {} : { security: [{ token: [] }] }),
    parameters: route.headers.map((name) => ({ in: 'header', ...headerDocs[name] })),
    request: {
      ...(names.length === 0
        ? {}
        : { params: z.object(Object.fromEntries(names.map((name) => [name, part(route.path)]))) }),
      ...(query === null ? {} : { query }),
      ...(body === null
        ? {}
        : {
            body: {
              content: { 'application/json': { schema: body.schema, example: body.example } },
            },
          }),
    },
    responses: {
      [doc.status]: answered(doc, doc.summary),
      ...(doc.otherwise === undefined
        ? {}
        : { [doc.otherwise.status]: answered(doc, doc.otherwise.description) }),
      default: {
        description: 'A refusal, with its code and what to do',
        content: { 'application/problem+json': { schema: problemJson, example: exampleProblem } },
      },
    },
  }
}

// A webhook's part is the processors' business: whoever is not there is told nothing more.
function part(path: string): z.ZodString {
  const isOpen = path.startsWith('/webhooks/')
  const pattern = isOpen ? undefined : variableOf(path)?.pattern
  return pattern === undefined ? z.string() : z.string().regex(pattern)
}

function answered({ contentType, answer, example }: RouteDoc, description: string) {
  const content = { [contentType ?? 'application/json']: { schema: answer, example } }
  return { description, content }
}

const { status, title } = rejectionTable.duplicate_reference

/** The refusal that agents meet most. */
export const exampleProblem: z.output<typeof problemJson> = {
  type: '/docs/errors#duplicate_reference',
  title,
  status,
  detail: 'It is pay_01JD4Z0M8QW3R5T7V9X1B2C4D6, captured.',
  instance: '/v1/payments',
  code: 'duplicate_reference',
  existing_payment: { id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6', state: 'captured' },
  money_moved: 'yes',
  next_action: { type: 'none', after: null, url: '/v1/payments/pay_01JD4Z0M8QW3R5T7V9X1B2C4D6' },
  new_key_allowed: false,
}
