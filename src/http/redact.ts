// An operator takes the words of people out of a payment, for a reason that the audit keeps.
import { redactPayment } from '../engine/redact.ts'
import { examplePayment } from './examples.ts'
import { actRequest } from './operator-schemas.ts'
import { operatorPost } from './route.ts'
import type { Route } from './route.ts'
import { showPayment } from './show.ts'
import { noSuchPayment } from './variables.ts'
import { paymentJson } from './wire.ts'

const redact = operatorPost(
  '/v1/payments/{id}/redact',
  {
    name: 'redactPayment',
    summary: 'Description and metadata go for good; everything that decides stays',
    status: 200,
    answer: paymentJson,
    example: { ...examplePayment, description: null, metadata: {} },
  },
  { schema: actRequest, example: { reason: 'request 118 of the data protection officer' } },
  async ({ engine, x, id, operator, body: { reason } }) => {
    const done = await redactPayment(engine, id, { by: operator, reason })
    if (done.result === 'not_found') return noSuchPayment
    return done.result === 'rejected' ? done : showPayment(x, id, null, { status: 200 })
  },
)

export const redactRoutes: readonly Route[] = [redact]
