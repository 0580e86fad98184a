// The processor's routes: who calls, what is asked, and the answer on the wire. The routes of tests
// and of the demo are in `admin.ts`.
import { Hono } from 'hono'
import type { Context } from 'hono'

import { refuse, say } from './answers.ts'
import type { Answer } from './answers.ts'
import { addAdminRoutes } from './admin.ts'
import { readBody } from './bodies.ts'
import {
  cancellationCommand,
  chargeCommand,
  commandNames,
  commandOn,
  operationOf,
} from './commands.ts'
import type { Command } from './commands.ts'
import type { Fields } from './fields.ts'
import { lostCode } from './holds.ts'
import { fingerprintOf } from './keys.ts'
import { perform } from './perform.ts'
import type { Scene } from './perform.ts'
import { chargeById, charges, records, settlement, settlements } from './reads.ts'
import type { Read } from './reads.ts'
import { respond } from './respond.ts'
import type { Client, Service } from './service.ts'
import { gateway } from './shows.ts'
import { subjectOf } from './subjects.ts'
import { isLoopback } from './webhooks.ts'

/** An idempotency key is at most this long, as with Stripe. */
const maxKeyLength = 255

export function createRoutes(service: Service): Hono {
  const app = new Hono()
  app.get('/healthz', (c) => c.text('ok'))
  app.use(async (c, next) => {
    const answer = refuseAtDoor(c, service)
    if (answer !== null) return respond(answer, service)
    await next()
    return undefined
  })
  addReads(app, service)
  addWrites(app, service)
  addAdminRoutes(app, service)
  app.notFound(() => respond(refuse('not_found', 'There is no such route.'), service))
  app.onError((error) => {
    // A lost connection is for whoever carries the bytes; see `holds.ts`.
    if (lostCode(error) !== null) throw error
    console.error(error)
    return respond(refuse('internal', 'A bug in the simulator; its log has more.'), service)
  })
  return app
}

function refuseAtDoor(c: Context, service: Service): Answer | null {
  const admin = !c.req.path.startsWith('/v1/')
  if (!admin && c.req.method === 'POST') service.arrivals.add(service.isOut())
  if (!admin && service.isOut()) {
    service.ledger.count('fault', 'outage')
    return gateway(503, 'Service Temporarily Unavailable')
  }
  if (c.req.header('authorization') === `Bearer ${service.settings.apiKey}`) return null
  return refuse('unauthorised', 'The API key is missing or wrong.')
}

function addReads(app: Hono, service: Service): void {
  const { accountId } = service.settings
  const route = (path: string, read: (c: Context) => Read): void => {
    app.get(path, async (c) => {
      const { subject, answer } = read(c)
      const work = (scene: Scene) => ({ answer: answer(scene), told: [] })
      const task = { operation: 'look_up', keyed: null, subject, work } as const
      return respond(await service.handle(task, clientOf(c)), service)
    })
  }
  app.get('/v1/account', () =>
    respond(say({ id: accountId, object: 'account', livemode: false }), service),
  )
  route('/v1/charges', (c) => charges(c.req.query()))
  route('/v1/charges/:id', (c) => chargeById(c.req.param('id') ?? ''))
  route('/v1/records', (c) => records(c.req.query()))
  route('/v1/settlements', (c) => settlements(c.req.query()))
  route('/v1/settlements/:name', (c) => settlement(c.req.param('name') ?? ''))
}

function addWrites(app: Hono, service: Service): void {
  const route = (path: string, command: (body: Fields, c: Context) => Command): void => {
    app.post(path, async (c) => respond(await write(c, service, command), service))
  }
  route('/v1/charges', chargeCommand)
  route('/v1/cancellations', cancellationCommand)
  for (const name of commandNames) {
    route(`/v1/charges/:id/${name}`, (body, c) => commandOn(c.req.param('id') ?? '', name, body))
  }
  app.put('/v1/webhook', async (c) => respond(await setWebhook(c, service), service))
}

async function write(
  c: Context,
  service: Service,
  commandOf: (body: Fields, c: Context) => Command,
): Promise<Answer> {
  const body = await readBody(c.req.raw)
  if (body.refusal !== null) return body.refusal
  const key = c.req.header('idempotency-key') ?? ''
  if (key === '' || key.length > maxKeyLength) {
    return refuse(
      'idempotency_key_missing',
      'A POST needs an Idempotency-Key of 1 to 255 characters.',
    )
  }
  const fingerprint = fingerprintOf(c.req.path, body.fields)
  if (fingerprint === null) return refuse('malformed_body', 'The body is nested too deep.')
  const command = commandOf(body.fields, c)
  const task = {
    operation: operationOf(command),
    keyed: { key, fingerprint },
    subject: (ledger: Service['ledger']) => subjectOf(command, ledger),
    work: (scene: Scene) => perform(command, scene),
  }
  return service.handle(task, clientOf(c))
}

async function setWebhook(c: Context, service: Service): Promise<Answer> {
  const body = await readBody(c.req.raw)
  if (body.refusal !== null) return body.refusal
  const { url, secret } = body.fields
  if (url === null) {
    service.webhooks.set(null)
    return say({ object: 'webhook', url: null })
  }
  if (typeof url !== 'string' || !isLoopback(url)) {
    return refuse('invalid_request', 'Only http on this machine.', { param: 'url' })
  }
  if (typeof secret !== 'string' || secret === '') {
    return refuse('invalid_request', 'A secret is needed to sign with.', { param: 'secret' })
  }
  service.webhooks.set({ url, secret })
  return say({ object: 'webhook', url })
}

function clientOf(c: Context): Client {
  return { origin: () => new URL(c.req.url).origin, signal: () => c.req.raw.signal }
}
