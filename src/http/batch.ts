// Many bills in one request: each with its own key, its own checks and its own result, and all that are
// new in one group commit. A bill here and the same bill by itself are one request: the key means the
// same in both, so whoever got no answer may ask again in either way.
import * as z from 'zod'

import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Engine } from '../engine/engine.ts'
import { readPayment } from '../engine/read.ts'
import { submit } from '../engine/submit.ts'
import type { Caller, PaymentRequest, RequestKey, Submission } from '../engine/submit.ts'
import { examplePayment, exampleRequest } from './examples.ts'
import { admitAgent, readBody, readJson, refuseQuery, refuseUnready } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { check, refuseCardNumbers } from './faults.ts'
import { fingerprintOf } from './fingerprint.ts'
import { readIdempotencyKey } from './headers.ts'
import { problem } from './problem.ts'
import type { Refusal } from './problem.ts'
import { toPaymentJson } from './representation.ts'
import type { Reply, Route } from './route.ts'
import { paymentRequest, say, toPaymentRequest } from './schemas.ts'
import { ok } from './service.ts'
import type { Answer } from './service.ts'
import { paymentJson, problemJson } from './wire.ts'

/** As many as a store makes durable at once. */
const maxBills = 500

/** 500 bills of 2 KiB each; one that carries more takes the place of several. */
const maxBatchBytes = 1_048_576

/** Where a bill goes by itself: its key and its fingerprint are made for that path. */
const path = '/v1/payments'

// ── What is sent and answered ────────────────────────────────────────────────────────────────────

const bills = <Bill extends z.ZodType>(bill: Bill) =>
  z.strictObject(
    {
      bills: z
        .array(bill, { error: say('must be a list of bills') })
        .min(1, 'must hold a bill')
        .max(maxBills, `has more than ${maxBills} bills`),
    },
    { error: 'must be an object' },
  )

/** Each bill is looked at by itself: what is wrong with one keeps no other from being paid. */
const envelope = bills(z.unknown())

const batchRequest = bills(
  paymentRequest.safeExtend({
    idempotency_key: z.string().min(1).max(257).meta({
      description:
        'As in the header `Idempotency-Key` of `POST /v1/payments`; the scope is the same.',
    }),
  }),
).meta({ id: 'BatchRequest' })

const count = z.int().min(0)

const batchJson = z
  .strictObject({
    object: z.literal('batch'),
    accepted: count,
    replayed: count,
    refused: count,
    data: z
      .array(
        z.strictObject({
          idempotency_key: z.string().nullable(),
          result: z.enum(['accepted', 'replayed', 'refused']),
          payment: paymentJson.nullable(),
          problem: problemJson.nullable(),
        }),
      )
      .meta({ description: 'One for each bill, in the order of the bills.' }),
  })
  .meta({ id: 'Batch' })

type BatchJson = z.output<typeof batchJson>
type ResultJson = BatchJson['data'][number]

const exampleKey = 'pay/INV-2026-0042'

const example: BatchJson = {
  object: 'batch',
  accepted: 1,
  replayed: 0,
  refused: 0,
  data: [
    { idempotency_key: exampleKey, result: 'accepted', payment: examplePayment, problem: null },
  ],
}

// ── The route ────────────────────────────────────────────────────────────────────────────────────

const payBatch: Route = {
  method: 'POST',
  path: '/v1/payments/batch',
  access: 'agent',
  doc: {
    name: 'createPayments',
    summary: 'Pay many bills, each once: a result for each',
    status: 200,
    answer: batchJson,
    example,
  },
  query: null,
  body: {
    schema: batchRequest,
    example: { bills: [{ idempotency_key: exampleKey, ...exampleRequest }] },
  },
  headers: [],
  run,
}

async function run(x: Exchange): Promise<Reply> {
  const admitted = await admitAgent(x)
  if ('rejection' in admitted) return admitted
  const read = await readBody(x, maxBatchBytes)
  if ('rejection' in read) return read
  // Numbers of cards are looked for in each bill.
  const json = readJson(read.bytes, envelope, { cards: 'kept' })
  if ('rejection' in json) return json
  const refused = refuseQuery(x) ?? refuseUnready(x)
  if (refused !== null) return refused
  const { caller } = admitted
  const claims = json.body.bills.map((bill, index) => readBill(bill, index))
  let headers: Answer['headers'] = {}
  const results = claims.map(async (claim) => {
    if ('rejection' in claim.read) return refusedAs(x, claim.key, claim.read)
    const paced = pace(x, caller)
    headers = paced.headers
    return claimOne(x, caller, claim.read, paced.limitedForMs)
  })
  // All claims of this turn of the event loop share one group commit.
  const data = await Promise.all(results)
  const having = (result: ResultJson['result']): number =>
    data.filter((each) => each.result === result).length
  const body: BatchJson = {
    object: 'batch',
    accepted: having('accepted'),
    replayed: having('replayed'),
    refused: having('refused'),
    data,
  }
  return { ...ok(200, body), headers }
}

/** Each bill counts at the agent's door as it would by itself. */
function pace(
  { service: { door, engine } }: Exchange,
  { agent }: Caller,
): { readonly limitedForMs: number | null; readonly headers: Answer['headers'] } {
  if (door === undefined) return { limitedForMs: null, headers: {} }
  const { allowed, retryAfterMs, headers } = door.take(agent, engine.time.nowMs(0))
  if (!allowed) engine.meter.doorRefused()
  return { limitedForMs: allowed ? null : retryAfterMs, headers }
}

// ── One bill ─────────────────────────────────────────────────────────────────────────────────────

interface Claim {
  readonly key: RequestKey
  readonly request: PaymentRequest
}

interface ReadBill {
  /** As it was sent, where it was text. */
  readonly key: string | null
  readonly read: Claim | Refusal
}

function readBill(bill: unknown, index: number): ReadBill {
  const isObject = typeof bill === 'object' && bill !== null && !Array.isArray(bill)
  const { idempotency_key: sent, ...request } = (isObject ? bill : {}) as Record<string, unknown> // looked at below
  const key = typeof sent === 'string' ? readIdempotencyKey(sent) : null
  if (key === null) {
    const code = sent === undefined ? 'idempotency_key_missing' : 'idempotency_key_invalid'
    const rejection = reject(code, `/bills/${index}/idempotency_key: each bill needs its own key.`)
    return { key: typeof sent === 'string' ? sent.slice(0, 257) : null, read: { rejection } }
  }
  const checked = check(paymentRequest, request)
  const refused = 'refused' in checked ? checked.refused : refuseCardNumbers(request)
  if (refused !== null) return { key, read: { rejection: placed(refused, index) } }
  if ('refused' in checked) throw new Error('what is refused was told')
  const fingerprint = fingerprintOf(path, request)
  return {
    key,
    read: {
      key: { method: 'POST', path, key, fingerprint },
      request: toPaymentRequest(checked.value),
    },
  }
}

/** The faults of a bill, as places in the body that was sent. */
function placed(rejection: Rejection, index: number): Rejection {
  const { errors } = rejection
  if (errors === undefined) return rejection
  const moved = errors.map((fault) => ({ ...fault, pointer: `/bills/${index}${fault.pointer}` }))
  return { ...rejection, errors: moved }
}

async function claimOne(
  x: Exchange,
  caller: Caller,
  { key, request }: Claim,
  limitedForMs: number | null,
): Promise<ResultJson> {
  const { engine } = x.service
  const submission = await submit(engine, caller, key, request, limitedForMs)
  if (submission.result === 'rejected') {
    const { rejection, existing } = submission
    return refusedAs(x, key.key, { rejection, existing })
  }
  return shown(engine, caller, key.key, submission)
}

async function shown(
  engine: Engine,
  { account }: Caller,
  key: string,
  { result, paymentId }: Exclude<Submission, { result: 'rejected' }>,
): Promise<ResultJson> {
  const view = await readPayment(engine, paymentId, account)
  if (view === null) throw new Error('a payment that was just claimed is not there')
  const payment = toPaymentJson(view, engine.time.nowMs(0))
  return { idempotency_key: key, result, payment, problem: null }
}

function refusedAs({ service }: Exchange, key: string | null, refused: Refusal): ResultJson {
  const { engine, docsUrl = '/docs' } = service
  engine.meter.rejected(refused.rejection.code)
  const place = { instance: path, docsUrl, nowMs: engine.time.nowMs(0) }
  // The one body that `problem` makes.
  const told = problem(refused, place).body as ResultJson['problem']
  return { idempotency_key: key, result: 'refused', payment: null, problem: told }
}

export const batchRoutes: readonly Route[] = [payBatch]
