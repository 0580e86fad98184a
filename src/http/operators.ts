// What operators decide about a payment that waits for their approval, bound to the version that was
// shown; and all the routes of operators, put together.
import { operatePayment } from '../engine/command.ts'
import { readPayment } from '../engine/read.ts'
import { accountRoutes } from './accounts.ts'
import { mandateRoutes } from './mandates.ts'
import { agentRoutes } from './agents.ts'
import { controlRoutes } from './controls.ts'
import { deadLetterRoutes } from './dead-letters.ts'
import { examplePayment } from './examples.ts'
import { decisionRequest } from './operator-schemas.ts'
import { ledgerRoutes } from './ledger.ts'
import { oversightRoutes } from './oversight.ts'
import { reconciliationRoutes } from './reconciliations.ts'
import { settlementFileRoutes } from './settlement-files.ts'
import { operatorAct } from './route.ts'
import type { Route } from './route.ts'
import { showActed } from './show.ts'
import { tokenRoutes } from './tokens.ts'
import { noSuchPayment } from './variables.ts'
import { paymentJson } from './wire.ts'

const doc = (name: string, summary: string) =>
  ({ name, summary, status: 200, answer: paymentJson, example: examplePayment }) as const

const approve = operatorAct(
  '/v1/payments/{id}/approve',
  doc('approvePayment', 'Let a held payment go on, exactly as it was shown'),
  { schema: decisionRequest, example: {} },
  async ({ engine, x, id, operator, version }) => {
    const view = await readPayment(engine, id, null)
    if (view === null) return noSuchPayment
    // The hash covers what never changes; the version says which sight of it is approved.
    const hash = view.row.payment.approval?.hash ?? ''
    const command = { type: 'approve', by: operator, hash } as const
    return showActed(x, await operatePayment(engine, id, command, version))
  },
)

const deny = operatorAct(
  '/v1/payments/{id}/deny',
  doc('denyPayment', 'Refuse a held payment'),
  { schema: decisionRequest, example: {} },
  async ({ engine, x, id, operator, version }) => {
    const command = { type: 'deny', by: operator } as const
    return showActed(x, await operatePayment(engine, id, command, version))
  },
)

export const operatorRoutes: readonly Route[] = [
  approve,
  deny,
  ...deadLetterRoutes,
  ...controlRoutes,
  ...agentRoutes,
  ...tokenRoutes,
  ...accountRoutes,
  ...mandateRoutes,
  ...oversightRoutes,
  ...ledgerRoutes,
  ...reconciliationRoutes,
  ...settlementFileRoutes,
]
