// Receipts over HTTP: the signed outcome of a payment, and the change of the key that signs.
import * as z from 'zod'

import { recordAct } from '../engine/audit.ts'
import { receiptOf } from '../engine/receipts.ts'
import { reject } from '../core/rejections.ts'
import { receiptClaims } from '../receipts/claims.ts'
import type { ReceiptClaims } from '../receipts/claims.ts'
import { actRequest } from './operator-schemas.ts'
import { operatorPost, read } from './route.ts'
import type { Reply, Route } from './route.ts'
import { noQuery } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchPayment } from './variables.ts'

const receiptJson = z
  .strictObject({
    object: z.literal('receipt'),
    payment_id: z.string(),
    kid: z.string().meta({ description: 'The key of `/.well-known/jwks.json` that signed it.' }),
    jws: z.string().meta({ description: 'Compact JWS; trust what it says once it is verified.' }),
    claims: receiptClaims.meta({ id: 'ReceiptClaims' }),
  })
  .meta({ id: 'Receipt' })

const keyJson = z
  .strictObject({ object: z.literal('receipt_key'), kid: z.string() })
  .meta({ id: 'ReceiptKey' })

export const noReceipts: Reply = {
  rejection: reject('not_found', 'This service signs no receipts.'),
}

const exampleClaims: ReceiptClaims = {
  type: 'quittance.receipt',
  format: 1,
  livemode: false,
  payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  agent: 'agent_default',
  account: 'default',
  payee: 'Acme GmbH',
  reference: 'INV-2026-0042',
  amount: 1999,
  currency: 'EUR',
  outcome: 'captured',
  outcome_reason: null,
  money_moved: 'yes',
  amount_captured: 1999,
  amount_refunded: 0,
  amount_refund_open: 0,
  amount_reversed: 0,
  processor: 'simulated',
  processor_account: 'acct_simulated',
  processor_reference: 'ch_01JD4Z0MAA',
  version: 6,
  claimed_at: '2026-01-31T12:00:00.000Z',
  outcome_at: '2026-01-31T12:00:01.250Z',
}

const receipt = read(
  '/v1/payments/{id}/receipt',
  {
    name: 'getReceipt',
    summary: 'What a payment came to, signed; none while it is open or unknown',
    status: 200,
    answer: receiptJson,
    example: {
      object: 'receipt',
      payment_id: exampleClaims.payment_id,
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      jws: 'eyJhbGciOiJFZERTQSJ9.eyJ0eXBlIjoicXVpdHRhbmNlLnJlY2VpcHQifQ.…',
      claims: exampleClaims,
    },
  },
  noQuery,
  async ({ engine, x, id, account }) => {
    const { receipts } = x.service
    if (receipts === undefined) return noReceipts
    const found = await receiptOf(engine, id, account)
    if (found.result === 'not_found') return noSuchPayment
    if (found.result === 'rejected') return found
    const { claims } = found
    const { kid, jws } = await receipts.sign(claims)
    return ok(200, { object: 'receipt', payment_id: claims.payment_id, kid, jws, claims })
  },
)

const rotate = operatorPost(
  '/v1/receipts/rotate-key',
  {
    name: 'rotateReceiptKey',
    summary: 'A new key signs receipts from now on; earlier ones stay valid',
    status: 200,
    answer: keyJson,
    example: { object: 'receipt_key', kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' },
  },
  { schema: actRequest, example: { reason: 'once a year' } },
  async ({ engine, x, operator, body: { reason } }) => {
    const { receipts } = x.service
    if (receipts === undefined) return noReceipts
    // Said before it is done: a key that nobody asked for would be the worse surprise.
    const act = { act: 'rotate_receipt_key', target: 'receipts', by: operator, reason } as const
    const said = await recordAct(engine, act)
    if (said !== 'stored') {
      return {
        rejection: said === 'conflict' ? reject('retry_same_key', 'It was not written.') : said,
      }
    }
    return ok(200, { object: 'receipt_key', kid: await receipts.rotate() })
  },
)

export const receiptRoutes: readonly Route[] = [receipt, rotate]
