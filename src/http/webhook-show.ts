// An endpoint as the API shows it, never with its secret, and what is said where one cannot be made.
import { reject } from '../core/rejections.ts'
import type { Endpoint, Webhooks } from '../delivery-ports.ts'
import { invalid } from './faults.ts'
import { rfc3339 } from './representation.ts'
import type { Reply } from './route.ts'
import type { EndpointJson } from './webhook-schemas.ts'

export const noWebhooks: Reply = {
  rejection: reject('not_found', 'This service sends no webhooks.'),
}

/** What the old secret is still good for, unless somebody says otherwise. */
export const defaultOverlapMs = 86_400_000

export const exampleEndpoint: EndpointJson = {
  id: 'whe_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  object: 'webhook_endpoint',
  url: 'https://example.com/quittance',
  description: 'the shop',
  events: ['captured', 'settled'],
  account: null,
  agent: null,
  callback: false,
  status: 'enabled',
  reason: null,
  old_secret_until: null,
  failing_since: null,
  created_by: 'Olga',
  created_at: '2026-01-31T12:20:00.000Z',
  updated_at: '2026-01-31T12:20:00.000Z',
  pending: 0,
  dead: 0,
}

export const exampleSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='

export const at = (ms: number | null): string | null => (ms === null ? null : rfc3339(ms))

export function toEndpointJson(
  endpoint: Endpoint,
  counts: { readonly pending: number; readonly dead: number },
): EndpointJson {
  const { id, url, description, account, agent, status, reason, createdBy } = endpoint
  const [, old] = endpoint.secrets
  return {
    id,
    object: 'webhook_endpoint',
    url,
    description,
    events: [...endpoint.events],
    account,
    agent,
    callback: endpoint.callbackOf !== null,
    status,
    reason,
    old_secret_until: at(old?.untilMs ?? null),
    failing_since: at(endpoint.failingSinceMs),
    created_by: createdBy,
    created_at: rfc3339(endpoint.createdAtMs),
    updated_at: rfc3339(endpoint.updatedAtMs),
    pending: counts.pending,
    dead: counts.dead,
  }
}

export async function showEndpoint(webhooks: Webhooks, endpoint: Endpoint): Promise<EndpointJson> {
  const standing = await webhooks.standing()
  const own = standing.find((each) => each.endpoint.id === endpoint.id)
  return toEndpointJson(endpoint, own ?? { pending: 0, dead: 0 })
}

export function badUrl(fault: string): Reply {
  return {
    rejection: invalid(`The address ${fault}.`, [{ pointer: '/url', reason: fault }]),
  }
}

export function noRoom(most: number): Reply {
  return { rejection: invalid(`There are ${most} endpoints, which is all there may be.`) }
}

export function exists(id: string): Reply {
  return {
    rejection: invalid(`${id} has this address for the same payments; rotate gives a new secret.`, [
      { pointer: '/url', reason: `is that of ${id}` },
    ]),
  }
}
