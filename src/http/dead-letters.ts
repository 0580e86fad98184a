// The desk of dead letters: what waits for a person, and what a person may do about one or many. An
// act on one is bound to the version that was shown.
import type { DeadLetterRow } from '../core/dead-letter.ts'
import type { Source } from '../core/payment.ts'
import { reject } from '../core/rejections.ts'
import { operatePayment } from '../engine/command.ts'
import {
  listDeadLetters,
  noteDeadLetter,
  readDeadLetter,
  redriveMany,
} from '../engine/dead-letters.ts'
import type { DeadLetter, DeadLetterFilter } from '../engine/dead-letters.ts'
import { resolvePayment } from '../engine/resolve.ts'
import { exampleDeadLetter } from './examples.ts'
import type { Exchange } from './exchange.ts'
import {
  deadLettersQuery,
  noteRequest,
  redriveManyRequest,
  redriveRequest,
  resolveRequest,
} from './operator-schemas.ts'
import type { FilterBody } from './operator-schemas.ts'
import { deadLetterJson, deadLetterListJson, redriveManyJson } from './operator-wire.ts'
import type { DeadLetterJson, DeadLetterRecordJson, RedriveManyJson } from './operator-wire.ts'
import { rfc3339, toPaymentJson } from './representation.ts'
import { operatorAct, operatorPost, operatorRead } from './route.ts'
import type { Reply, Route } from './route.ts'
import { noQuery, toMs } from './schemas.ts'
import { ok } from './service.ts'
import { refusal, showPayment } from './show.ts'

const defaultPage = 20

const doc = (name: string, summary: string) =>
  ({ name, summary, status: 200, answer: deadLetterJson, example: exampleDeadLetter }) as const

// ── To look at ───────────────────────────────────────────────────────────────────────────────────

const list = operatorRead(
  '/v1/dead-letters',
  {
    name: 'listDeadLetters',
    summary: 'Parked payments, newest first; a page may hold fewer than asked although more follow',
    status: 200,
    answer: deadLetterListJson,
    example: { object: 'list', data: [exampleDeadLetter], cursor: null },
  },
  deadLettersQuery,
  async ({ engine, query: { status = 'open', limit = defaultPage, cursor, ...only }, nowMs }) => {
    const filter = { ...toFilter(only, nowMs), ...(status === 'any' ? {} : { status }) }
    const page = await listDeadLetters(engine, filter, limit, cursor)
    const data = page.letters.map((letter) => toDeadLetterJson(letter, nowMs))
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

function toFilter({ older_than: seconds, ...only }: FilterBody, nowMs: number): DeadLetterFilter {
  const { reason, step, processor, agent } = only
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(step === undefined ? {} : { step }),
    ...(processor === undefined ? {} : { processor }),
    ...(agent === undefined ? {} : { agent }),
    ...(seconds === undefined ? {} : { parkedBeforeMs: nowMs - seconds * 1000 }),
  }
}

const get = operatorRead(
  '/v1/dead-letters/{paymentId}',
  doc('getDeadLetter', 'One parked payment, with all that is known of why'),
  noQuery,
  async ({ x, id }) => (await show(x, id)) ?? neverParked,
)

const neverParked: Reply = {
  rejection: reject(
    'not_found',
    'It was never in the dead letters; GET /v1/payments/{id} shows the payment.',
  ),
}

/** `null`: there is no record of it. */
async function show(x: Exchange, paymentId: string, status = 200): Promise<Reply | null> {
  const { engine } = x.service
  const letter = await readDeadLetter(engine, paymentId)
  return letter === null ? null : ok(status, toDeadLetterJson(letter, engine.time.nowMs(0)))
}

function toDeadLetterJson({ letter, view }: DeadLetter, nowMs: number): DeadLetterJson {
  return { ...toPaymentJson(view, nowMs), dead_letter: toRecordJson(letter, nowMs) }
}

function toRecordJson(letter: DeadLetterRow, nowMs: number): DeadLetterRecordJson {
  const { lastEvidence, endedAtMs, proposal, parkedAtMs } = letter
  return {
    status: letter.status,
    reason: letter.reason,
    step: letter.step,
    attempts: letter.attempts,
    sends: letter.sends,
    first_at: rfc3339(letter.firstAtMs),
    parked_at: rfc3339(parkedAtMs),
    age_seconds: Math.max(0, Math.floor(((endedAtMs ?? nowMs) - parkedAtMs) / 1000)),
    request_hash: letter.requestHash,
    last_evidence: lastEvidence === null ? null : sourceJson(lastEvidence),
    redrives: letter.redrives,
    rule_redrives: letter.ruleRedrives,
    note: letter.note,
    ended_by: letter.endedBy,
    ended_at: endedAtMs === null ? null : rfc3339(endedAtMs),
    proposal: proposal === null ? null : proposalJson(proposal),
  }
}

function sourceJson(by: Source): NonNullable<DeadLetterRecordJson['last_evidence']> {
  return {
    source: by.source,
    attempt_id: by.attemptId,
    send: by.send,
    cause: by.cause,
    asked_at: rfc3339(by.askedAtMs),
    status: by.status,
    request_id: by.requestId,
    excerpt: by.excerpt,
  }
}

function proposalJson(
  proposal: NonNullable<DeadLetterRow['proposal']>,
): DeadLetterRecordJson['proposal'] {
  const { by, atMs, finding, processorReference, reason } = proposal
  return { by, at: rfc3339(atMs), finding, processor_reference: processorReference, reason }
}

// ── To act on ────────────────────────────────────────────────────────────────────────────────────

const note = operatorPost(
  '/v1/dead-letters/{paymentId}/note',
  doc('noteDeadLetter', 'A note for the next operator'),
  { schema: noteRequest, example: { note: 'asked their support, ticket 4711' } },
  async ({ engine, x, id, operator, body }) => {
    const noted = await noteDeadLetter(engine, id, body.note, operator)
    if (noted.result === 'rejected') return noted
    return (await show(x, id)) ?? neverParked
  },
)

const redrive = operatorAct(
  '/v1/dead-letters/{paymentId}/redrive',
  doc('redrivePayment', 'Take a parked payment up again from where it stands'),
  { schema: redriveRequest, example: { reason: 'the processor is back' } },
  async ({ engine, x, id, operator, version, body }) => {
    const notAfterMs = toMs(body.not_after ?? null)
    const command = { type: 'redrive', by: operator, reason: body.reason, notAfterMs } as const
    const done = await operatePayment(engine, id, command, version)
    return done.result === 'rejected' ? refusal(done) : showEither(x, id)
  },
)

const proposed = {
  status: 202,
  description: 'Kept as a proposal: an operator of another name must say the same.',
} as const

const resolve = operatorAct(
  '/v1/dead-letters/{paymentId}/resolve',
  {
    ...doc('resolvePayment', 'Say what the processor shows for a parked payment'),
    otherwise: proposed,
  },
  {
    schema: resolveRequest,
    example: { finding: 'paid', processor_reference: 'ch_123', reason: 'seen in the dashboard' },
  },
  async ({ engine, x, id, operator, version, body }) => {
    const said =
      body.finding === 'paid'
        ? ({ finding: 'paid', processorReference: body.processor_reference } as const)
        : ({ finding: 'not_paid' } as const)
    const word = { by: operator, reason: body.reason, said }
    const done = await resolvePayment(engine, id, word, version)
    if (done.result === 'rejected') return refusal(done)
    return showEither(x, id, done.result === 'proposed' ? proposed.status : 200)
  },
)

// What an earlier version parked has no record: the payment alone is shown then.
async function showEither(x: Exchange, paymentId: string, status = 200): Promise<Reply> {
  return (await show(x, paymentId, status)) ?? showPayment(x, paymentId, null, { status })
}

const redriveAll = operatorPost(
  '/v1/dead-letters/redrive',
  {
    name: 'redriveMany',
    summary: 'Take many parked payments up again, one after the other, a page at a time',
    status: 200,
    answer: redriveManyJson,
    example: {
      object: 'redrive',
      redriven: [exampleDeadLetter.id],
      left: [],
      stopped_by: null,
      cursor: null,
    },
  },
  {
    schema: redriveManyRequest,
    example: {
      filter: { reason: 'retries_exhausted', processor: 'simulated' },
      reason: 'the processor is back',
      limit: 100,
    },
  },
  async ({ engine, operator, body, nowMs }) => {
    const { filter, reason, limit = defaultPage, cursor } = body
    const act = { by: operator, reason }
    const done = await redriveMany(engine, toFilter(filter, nowMs), act, limit, cursor)
    const answer: RedriveManyJson = {
      object: 'redrive',
      redriven: [...done.redriven],
      left: done.left.map(({ paymentId, code }) => ({ id: paymentId, code })),
      stopped_by: done.stoppedBy,
      cursor: done.cursor,
    }
    return ok(200, answer)
  },
)

export const deadLetterRoutes: readonly Route[] = [list, get, note, redrive, resolve, redriveAll]
