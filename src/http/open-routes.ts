// Routes that need no token: health, the description of the API, and the processors' webhooks, which
// prove themselves by their signature.
import * as z from 'zod'

import { reject } from '../core/rejections.ts'
import { receiveWebhook } from '../engine/webhooks.ts'
import { decodeUtf8, readBytes } from './body.ts'
import { errorsPage } from './errors-page.ts'
import { refuseUnready } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { invalid } from './faults.ts'
import { open } from './route.ts'
import type { Reply, Route } from './route.ts'
import { ok } from './service.ts'
import { healthJson, readyJson, receivedJson } from './wire.ts'

/** Processors send whole objects; the largest that Stripe documents are below this. */
const maxWebhookBytes = 262_144

const health = open(
  'GET',
  '/healthz',
  {
    name: 'health',
    summary: 'The process lives',
    status: 200,
    answer: healthJson,
    example: { status: 'ok' },
  },
  async () => ok(200, { status: 'ok' }),
)

const ready = open(
  'GET',
  '/readyz',
  {
    name: 'ready',
    summary: 'New payments are taken',
    status: 200,
    answer: readyJson,
    example: { ready: true },
  },
  async (x) => refuseUnready(x) ?? ok(200, { ready: true }),
)

const webhook = open(
  'POST',
  '/webhooks/{processor}',
  {
    name: 'receiveWebhook',
    summary: 'A processor’s message; stored before it is acknowledged',
    status: 200,
    answer: receivedJson,
    example: { received: true },
  },
  receive,
)

async function receive({ service, request, id }: Exchange): Promise<Reply> {
  const read = await readBytes(request, maxWebhookBytes)
  if (read.fault === 'too_large') {
    return { rejection: reject('body_too_large', `At most ${maxWebhookBytes} bytes are read.`) }
  }
  const body = read.fault === undefined ? decodeUtf8(read.bytes) : null
  if (body === null) return refused
  const headers = Object.fromEntries(request.headers)
  switch (await receiveWebhook(service.engine, id, body, headers)) {
    case 'stored':
      return ok(200, { received: true })
    case 'refused':
      return refused
    case 'not_stored':
      return { rejection: reject('retry_same_key', 'It was not stored; send it again.') }
  }
}

const refused: Reply = {
  rejection: invalid(
    'The signature does not hold, the message is unreadable, or nobody listens here.',
  ),
}

/** The description is made when it is first asked for: most processes never are. */
export function describing(describe: () => Promise<object>): Route {
  let description: Promise<object> | null = null
  return open(
    'GET',
    '/openapi.json',
    {
      name: 'describe',
      summary: 'This document',
      status: 200,
      answer: z.record(z.string(), z.unknown()),
      example: { openapi: '3.1.0' },
    },
    async () => ok(200, await (description ??= describe())),
  )
}

export const openRoutes: readonly Route[] = [health, ready, errorsPage, webhook]
