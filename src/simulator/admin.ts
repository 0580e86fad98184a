// What tests and the demo may ask of the simulator and no processor would offer: faults, counts,
// the whole ledger, disputes, and a person who does what `requires_action` waits for. The engine
// never calls any of it.
import type { Context, Hono } from 'hono'

import { presentCharge, refuse, say } from './answers.ts'
import type { Answer } from './answers.ts'
import { readBody } from './bodies.ts'
import type { Charge } from './charges.ts'
import { parsePlan } from './fault-plan.ts'
import { operations } from './faults.ts'
import { firstWrong, isAmount, isText } from './fields.ts'
import { wrongParam } from './pages.ts'
import { completeAction, dispute } from './perform.ts'
import { respond } from './respond.ts'
import type { Service } from './service.ts'

export function addAdminRoutes(app: Hono, service: Service): void {
  app.get('/faults', () => respond(say(service.plan()), service))
  app.put('/faults', async (c) => respond(await putFaults(c, service), service))
  app.get('/stats', () => respond(say(stats(service)), service))
  app.get('/arrivals', (c) => {
    const fromMs = Number(c.req.query('from_ms') ?? 0)
    return respond(say({ writes: service.arrivals.since(fromMs) }), service)
  })
  app.get('/ledger', () => respond(say(wholeLedger(service)), service))
  app.post('/disputes', async (c) => respond(await makeDispute(c, service), service))
  app.post('/v1/charges/:id/complete_action', (c) => {
    const answer = service.act((scene) => completeAction(c.req.param('id'), scene))
    return respond(answer, service)
  })
}

/** The whole plan is replaced; a seed that is not given stays. */
async function putFaults(c: Context, service: Service): Promise<Answer> {
  const body = await readBody(c.req.raw)
  if (body.refusal !== null) return body.refusal
  const plan = parsePlan(body.fields, service.plan().seed)
  if (typeof plan === 'string') return refuse('invalid_request', plan)
  service.setPlan(plan)
  return say(plan)
}

async function makeDispute(c: Context, service: Service): Promise<Answer> {
  const body = await readBody(c.req.raw)
  if (body.refusal !== null) return body.refusal
  const wrong = firstWrong(body.fields, { charge: isText, amount: isAmount })
  if (wrong !== null) return wrongParam(wrong)
  // `firstWrong` checked both.
  const { charge, amount } = body.fields as { charge: string; amount: number }
  return service.act((scene) => dispute(charge, amount, scene))
}

function stats({ ledger, webhooks }: Service): unknown {
  let captures = 0
  for (const count of ledger.captureCounts().values()) captures += count
  return {
    calls: Object.fromEntries(operations.map((each) => [each, ledger.total(each)])),
    faults: ledger.tally('fault'),
    captures,
    webhooks: webhooks.stats(),
  }
}

/** The captures are counted from what was booked, so that a checker need not trust the states. */
function wholeLedger(service: Service): unknown {
  service.catchUp()
  const { ledger } = service
  const counts = ledger.captureCounts()
  const everything = { fromMs: 0, beforeMs: Number.MAX_SAFE_INTEGER, after: { atMs: -1, seq: 0 } }
  const rows = ledger.chargesCreated({ ...everything, limit: -1 })
  const charges = rows.map(({ value }) => value)
  return {
    charges: charges.map((charge) => ({
      ...presentCharge(charge),
      captures: counts.get(charge.id) ?? 0,
    })),
    totals: totals(charges, counts),
  }
}

function totals(charges: readonly Charge[], captures: ReadonlyMap<string, number>): unknown {
  const none = { charges: 0, captures: 0, captured: 0, refunded: 0, reversed: 0, fees: 0, open: 0 }
  const byCurrency: Record<string, typeof none> = {}
  for (const charge of charges) {
    const sum = (byCurrency[charge.currency] ??= { ...none })
    sum.charges += 1
    sum.captures += captures.get(charge.id) ?? 0
    sum.captured += charge.amountCaptured
    sum.refunded += charge.amountRefunded
    sum.reversed += charge.amountReversed
    sum.fees += charge.settlement?.fee ?? 0
    sum.open += charge.status === 'authorised' ? charge.amount : 0
  }
  return byCurrency
}
