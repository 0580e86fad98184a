// An agent's own callback: one address for news of its own payments. The agent names it; an operator lets
// it in before anything is sent there, because an agent that was misled must not be able to have this
// network talk to an address of somebody else's choosing.
import type { z } from 'zod'

import { reject } from '../core/rejections.ts'
import type { Endpoint, Webhooks } from '../delivery-ports.ts'
import { recordAct } from '../engine/audit.ts'
import type { Caller } from '../engine/submit.ts'
import { tooMany } from '../engine/submit.ts'
import { admitAgent, readBody, readJson, refuseQuery, refuseUnready } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { paced } from './route.ts'
import type { Reply, Route, RouteDoc } from './route.ts'
import { object } from './schemas.ts'
import { ok } from './service.ts'
import {
  callbackRequest,
  endpointJson,
  endpointWithSecretJson,
  removedJson,
} from './webhook-schemas.ts'
import {
  badUrl,
  defaultOverlapMs,
  exampleEndpoint,
  exampleSecret,
  noRoom,
  noWebhooks,
  showEndpoint,
} from './webhook-show.ts'

const path = '/v1/callback'
const nothing = object({})

const none: Reply = {
  rejection: reject('not_found', 'You have named no callback; PUT /v1/callback does.'),
}

interface Given<Body> {
  readonly x: Exchange
  readonly caller: Caller
  readonly webhooks: Webhooks
  readonly body: Body
  /** The one that it has. */
  readonly own: Endpoint | null
}

/** An agent about what is its own; asked again it is the same. */
function own<Schema extends z.ZodType>(
  method: Route['method'],
  at: string,
  doc: RouteDoc,
  body: { readonly schema: Schema; readonly example: unknown } | null,
  handle: (given: Given<z.output<Schema>>) => Promise<Reply>,
): Route {
  const schema = body?.schema ?? nothing
  const run = async (x: Exchange): Promise<Reply> => {
    const admitted = await admitAgent(x)
    if ('rejection' in admitted) return admitted
    const { caller } = admitted
    const read = method === 'GET' ? { bytes: new Uint8Array() } : await readBody(x)
    if ('rejection' in read) return read
    const json = readJson(read.bytes, schema)
    if ('rejection' in json) return json
    const refusal = refuseQuery(x) ?? (method === 'GET' ? null : refuseUnready(x))
    if (refusal !== null) return refusal
    const { webhooks } = x.service
    if (webhooks === undefined) return noWebhooks
    return paced(x, caller, async (limitedForMs) => {
      if (limitedForMs !== null) return { rejection: tooMany(limitedForMs) }
      const known = await webhooks.ofAgent(caller.agent)
      // Checked by the schema of the route, which is `nothing` where it has none.
      return handle({ x, caller, webhooks, body: json.body as z.output<Schema>, own: known })
    })
  }
  return { method, path: at, access: 'agent', doc, query: null, body, headers: [], run }
}

const doc = (name: string, summary: string): RouteDoc => ({
  name,
  summary,
  status: 200,
  answer: endpointJson,
  example: { ...exampleEndpoint, agent: 'agent_books', callback: true, status: 'waiting' },
})

const withSecret = (name: string, summary: string): RouteDoc => {
  const plain = doc(name, summary)
  const example = { ...(plain.example as object), secret: exampleSecret }
  return { ...plain, answer: endpointWithSecretJson, example }
}

const readCallback = own(
  'GET',
  path,
  doc('readCallback', 'Where news of your own payments go'),
  null,
  async ({ webhooks, own: known }) =>
    known === null ? none : ok(200, await showEndpoint(webhooks, known)),
)

const setCallback = own(
  'PUT',
  path,
  withSecret('setCallback', 'Name one; nothing is sent before an operator has enabled it'),
  {
    schema: callbackRequest,
    example: { url: 'https://agent.example.com/news', events: ['captured'] },
  },
  async (given) => {
    const { x, caller, webhooks, body, own: known } = given
    const events = body.events ?? []
    const href = URL.canParse(body.url) ? new URL(body.url).href : body.url
    const isSame = known?.url === href
    const audited = isSame ? null : await audit(given, known === null ? 'add' : 'change', href)
    if (audited !== null) return audited
    if (known !== null) {
      // Another address is for an operator to look at, as the first one was.
      const anew = isSame ? {} : ({ url: body.url, status: 'waiting', reason: null } as const)
      const done = await webhooks.change(known.id, { events, ...anew })
      if (done.result === 'bad_url') return badUrl(done.fault)
      if (done.result === 'absent') return none
      return ok(200, { ...(await showEndpoint(webhooks, done.endpoint)), secret: null })
    }
    const added = await webhooks.add({
      url: body.url,
      description: `callback of ${caller.agent}`,
      events,
      account: caller.account,
      agent: caller.agent,
      callbackOf: caller.agent,
      createdBy: caller.agent,
      status: 'waiting',
    })
    if (added.result === 'bad_url') return badUrl(added.fault)
    if (added.result === 'no_room') return noRoom(added.most)
    // Named twice at once: the other request has its secret.
    if (added.result === 'exists') return readCallback.run(x)
    return ok(200, { ...(await showEndpoint(webhooks, added.endpoint)), secret: added.secret })
  },
)

const rotateCallback = own(
  'POST',
  `${path}/rotate`,
  withSecret('rotateCallbackSecret', 'A new secret; for a day the old one signs as well'),
  { schema: nothing, example: {} },
  async (given) => {
    const { webhooks, own: known } = given
    if (known === null) return none
    const audited = await audit(given, 'rotate', known.id)
    if (audited !== null) return audited
    const rotated = await webhooks.rotate(known.id, defaultOverlapMs)
    if (rotated === null) return none
    return ok(200, { ...(await showEndpoint(webhooks, rotated.endpoint)), secret: rotated.secret })
  },
)

const removeCallback = own(
  'DELETE',
  path,
  {
    ...doc('removeCallback', 'Forget it, with all that waits for it'),
    answer: removedJson,
    example: { object: 'removed', id: exampleEndpoint.id },
  },
  null,
  async (given) => {
    const { webhooks, own: known } = given
    if (known === null) return none
    const audited = await audit(given, 'remove', known.id)
    if (audited !== null) return audited
    await webhooks.remove(known.id)
    return ok(200, { object: 'removed', id: known.id })
  },
)

/** `null`: it is written. Of an address only where it leads: the rest may be a secret. */
async function audit(
  { x, caller }: Pick<Given<unknown>, 'x' | 'caller'>,
  act: 'add' | 'change' | 'rotate' | 'remove',
  about: string,
): Promise<Reply | null> {
  const target = URL.canParse(about) ? new URL(about).origin : about.slice(0, 64)
  const by = caller.agent
  const line = { act: `webhook_${act}`, target, by, reason: 'its callback' } as const
  const stored = await recordAct(x.service.engine, line)
  return typeof stored === 'object' ? { rejection: stored } : null
}

export const callbackRoutes: readonly Route[] = [
  readCallback,
  setCallback,
  rotateCallback,
  removeCallback,
]
