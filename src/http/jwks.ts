// The public keys of receipts, where standards look for them. Everybody may read them, and keep them.
import * as z from 'zod'

import { noReceipts } from './receipts.ts'
import { open } from './route.ts'
import type { Route } from './route.ts'
import { ok, withHeaders } from './service.ts'

const jwksJson = z
  .strictObject({ keys: z.array(z.record(z.string(), z.string())) })
  .meta({ id: 'Jwks' })

/** A new key is there before it signs anything; so long an older list may miss it. */
const maxAgeSeconds = 300

const jwks = open(
  'GET',
  '/.well-known/jwks.json',
  {
    name: 'receiptKeys',
    summary: 'The public keys of receipts (RFC 7517), all there ever were',
    status: 200,
    answer: jwksJson,
    example: {
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
          kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
          use: 'sig',
          alg: 'EdDSA',
        },
      ],
    },
  },
  async ({ service: { receipts } }) =>
    receipts === undefined
      ? noReceipts
      : withHeaders(ok(200, { keys: receipts.publicKeys() }), {
          'cache-control': `public, max-age=${maxAgeSeconds}`,
        }),
)

export const jwksRoutes: readonly Route[] = [jwks]
