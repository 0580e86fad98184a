// Settlement files over HTTP: lines come in pages, each said to begin where the last one ended, so that a
// file of any length gets here and whatever breaks off goes on. What a column means is for the sender:
// here a line has one form, the same for every processor.
import * as z from 'zod'

import { isCurrency } from '../core/money.ts'
import { reject } from '../core/rejections.ts'
import { lineKinds } from '../core/settlement.ts'
import type { SettlementLine } from '../core/settlement.ts'
import { beginSettlement } from '../engine/settle-file.ts'
import type { SettlementInbox, SettlementUpload } from '../engine/settlement-inbox.ts'
import { decodeUtf8, readBytes } from './body.ts'
import { admitOperator, headerOf, refuseQuery, refuseUnready } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { check, invalid } from './faults.ts'
import { isJson } from './headers.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Reply, Route } from './route.ts'
import { noQuery, object, ownName } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchFile, noSuchProcessor, refusePath, variableOf } from './variables.ts'

/** A page of lines; more of them cost a request, and none is held in memory longer than that. */
const maxPageBytes = 1_048_576
const maxLines = 5_000

/** More lines that cannot be read mean that the file is read wrongly. */
const maxUnreadable = 1_000

// ── An upload ────────────────────────────────────────────────────────────────────────────────────

const uploadJson = z
  .strictObject({
    id: z.string(),
    object: z.literal('settlement_file'),
    name: z.string(),
    processor: z.string(),
    exclusive: z.boolean(),
    received: z.int().min(0).meta({ description: 'Lines that are here: the next page’s `from`.' }),
    run: z.string().nullable().meta({ description: 'The reconciliation that compares it.' }),
  })
  .meta({ id: 'SettlementFile' })

export type SettlementFileJson = z.output<typeof uploadJson>

const example: SettlementFileJson = {
  id: 'stf_0123456789abcdef0123456789',
  object: 'settlement_file',
  name: 'settlement_detail_report_batch_12.csv',
  processor: 'simulated',
  exclusive: false,
  received: 5_000,
  run: null,
}

function toJson(upload: SettlementUpload): SettlementFileJson {
  const { id, name, processor, isExclusive: exclusive, received, run } = upload
  return { id, object: 'settlement_file', name, processor, exclusive, received, run }
}

const doc = (name: string, summary: string) =>
  ({ name, summary, status: 200, answer: uploadJson, example }) as const

const noInbox: Reply = {
  rejection: reject('not_found', 'This service takes no settlement files.'),
}

const text = (max: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters`)
    .regex(/^[^\p{Cc}]*$/u, 'must have no control characters')

const offerRequest = object({
  name: text(255).meta({ description: 'What you call it, such as its file name.' }),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
    .meta({
      description: 'SHA-256 of the file and of how it is read: the same file is known by it.',
    }),
  processor: ownName.optional().meta({ description: 'Default: the first one.' }),
  exclusive: z
    .boolean()
    .optional()
    .meta({ description: 'Every line is ours: what matches no payment is a break.' }),
  again: z.boolean().optional().meta({ description: 'Compare a file anew that was read before.' }),
}).meta({ id: 'SettlementFileOffer' })

const begin = operatorPost(
  '/v1/settlement-files',
  doc('openSettlementFile', 'Begin to send a settlement file, or see how far it has come'),
  {
    schema: offerRequest,
    example: { name: example.name, digest: '0123456789abcdef'.repeat(4) },
  },
  async ({ engine, body, x: { service } }) => {
    if (service.settlements === undefined) return noInbox
    const processor = body.processor ?? [...engine.processors.keys()][0] ?? ''
    if (engine.processors.get(processor) === undefined) return noSuchProcessor
    const { name, digest, exclusive: isExclusive = false, again = false } = body
    const upload = service.settlements.open({ name, digest, processor, isExclusive }, again)
    return ok(200, toJson(upload))
  },
)

const one = operatorRead(
  '/v1/settlement-files/{fileId}',
  doc('readSettlementFile', 'How far a settlement file has come'),
  noQuery,
  async ({ id, x: { service } }) => {
    const upload = service.settlements?.read(id) ?? null
    return upload === null ? noSuchFile : ok(200, toJson(upload))
  },
)

// ── Its lines ────────────────────────────────────────────────────────────────────────────────────

const place = z.int().min(0).max(100_000_000)
const minorUnits = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const named = text(256).optional()

const lineRequest = object({
  line: place.meta({ description: 'Its place in the file.' }),
  kind: z.enum(lineKinds, { error: `must be ${lineKinds.join(', ')}` }),
  payment_id: named.meta({ description: 'Ours, if the file carries it.' }),
  attempt_id: named.meta({ description: 'Ours: it can resolve an unknown outcome.' }),
  object_id: named.meta({ description: 'The processor’s id of the payment.' }),
  movement_id: named.meta({ description: 'The processor’s id of this refund or dispute.' }),
  reference: named.meta({ description: 'Of the bill.' }),
  currency: z.string().refine(isCurrency, 'must be an ISO 4217 code'),
  amount: minorUnits.meta({ description: 'Gross, minor units.' }),
  fee: z.int().optional().meta({ description: 'Minor units of the same currency.' }),
  batch: named,
  settled_at: z.iso.datetime({ error: 'must be a time such as 2026-01-31T12:00:00Z' }).optional(),
})

export type SettlementLineJson = z.input<typeof lineRequest>

const pageRequest = object({
  from: place.meta({ description: 'Lines of the file before this page.' }),
  through: place.meta({ description: 'The last line of this page.' }),
  lines: z.array(lineRequest).max(maxLines, `must be at most ${maxLines}`),
  unreadable: z
    .array(text(400))
    .max(maxUnreadable, `must be at most ${maxUnreadable}`)
    .optional()
    .meta({ description: 'Lines that cannot be read, each with its place and why.' }),
  last: z.boolean().optional().meta({ description: 'The file ends here: compare it.' }),
})
  .refine(({ from, through }) => through >= from, { path: ['through'], error: 'is before `from`' })
  .meta({ id: 'SettlementLines' })

export type SettlementLinesJson = z.input<typeof pageRequest>

const linesPath = '/v1/settlement-files/{fileId}/lines'

const lines: Route = {
  method: 'POST',
  path: linesPath,
  access: 'operator',
  doc: doc('addSettlementLines', 'The next lines of a settlement file; a page may be repeated'),
  query: null,
  body: {
    schema: pageRequest,
    example: {
      from: 0,
      through: 1,
      lines: [
        {
          line: 1,
          kind: 'captured',
          payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
          object_id: 'ch_1',
          currency: 'EUR',
          amount: 4_200,
          fee: 30,
          batch: '12',
          settled_at: '2026-01-31T12:20:00Z',
        },
      ],
      last: true,
    },
  },
  headers: [],
  run: takeLines,
}

/** As `operatorPost`, for longer bodies; ids of a processor are no card numbers, however they look. */
async function takeLines(x: Exchange): Promise<Reply> {
  const admitted = await admitOperator(x)
  if ('rejection' in admitted) return admitted
  const refusal = refusePath(variableOf(linesPath), x.id) ?? refuseQuery(x) ?? refuseUnready(x)
  if (refusal !== null) return refusal
  const { settlements } = x.service
  if (settlements === undefined) return noInbox
  if (!isJson(headerOf(x, 'content-type'))) {
    return { rejection: reject('unsupported_media_type', 'Send `Content-Type: application/json`.') }
  }
  const sent = await readBytes(x.request, maxPageBytes)
  if (sent.fault === 'too_large') {
    const detail = `At most ${maxPageBytes} bytes are read at once: send fewer lines.`
    return { rejection: reject('body_too_large', detail) }
  }
  const json = sent.fault === undefined ? parsed(sent.bytes) : undefined
  if (json === undefined)
    return { rejection: reject('invalid_json', 'It broke off, or is no JSON.') }
  const checked = check(pageRequest, json)
  if ('refused' in checked) return { rejection: checked.refused }
  return keepLines(x, settlements, checked.value, admitted.name)
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? '')
  } catch {
    return undefined
  }
}

async function keepLines(
  { id, service: { engine } }: Exchange,
  inbox: SettlementInbox,
  page: z.output<typeof pageRequest>,
  operator: string,
): Promise<Reply> {
  const { from, through, unreadable = [], last = false } = page
  const kept = inbox.add(id, { from, through, lines: page.lines.map(lineOf), unreadable })
  const upload = inbox.read(id)
  if (kept === null || upload === null) return noSuchFile
  if (kept.added === 'gap') {
    const reason = `must be ${upload.received}: so many lines are here`
    return { rejection: invalid('A page is missing.', [{ pointer: '/from', reason }]) }
  }
  if (!last || upload.run !== null || upload.received !== through) return ok(200, toJson(upload))
  const file = inbox.complete(id)
  const run = await beginSettlement(engine, upload.processor, file, operator)
  inbox.began(id, run)
  return ok(200, toJson({ ...upload, run }))
}

function lineOf(line: z.output<typeof lineRequest>): SettlementLine {
  const { settled_at: settledAt } = line
  return {
    line: line.line,
    kind: line.kind,
    paymentId: line.payment_id ?? null,
    attemptId: line.attempt_id ?? null,
    objectId: line.object_id ?? null,
    movementId: line.movement_id ?? null,
    reference: line.reference ?? null,
    currency: line.currency,
    amount: line.amount,
    fee: line.fee ?? null,
    batch: line.batch ?? null,
    settledAtMs: settledAt === undefined ? null : Date.parse(settledAt),
  }
}

export const settlementFileRoutes: readonly Route[] = [begin, one, lines]
