// Accounts and tokens as they go over the wire, in and out.
import * as z from 'zod'

import { scopes } from '../core/access.ts'
import { cursorOf, limit, object, ownName, text, time } from './schemas.ts'

const isSaid = (value: string): boolean => value.trim() !== ''
const reason = text(500, 'Why; kept in the audit.').refine(isSaid, 'is empty')
const moment = z.iso.datetime({ offset: true }).meta({ format: 'date-time' })

const scopeList = z.array(z.enum(scopes)).meta({ description: 'What it may ask for.' })

// ── In ───────────────────────────────────────────────────────────────────────────────────────────

const tokenId = z
  .string({ error: 'must be text' })
  .regex(/^tok_[0-9A-Z]{26}$/, 'must be the id of a token')
  .meta({ pattern: '^tok_[0-9A-Z]{26}$', description: 'As the list of tokens has it.' })

const scopeError = { error: `must be some of ${scopes.join(', ')}` }

export const tokenRequest = object({
  scopes: z
    .array(z.enum(scopes, scopeError), scopeError)
    .min(1, 'is empty: such a token could ask for nothing')
    .max(scopes.length, 'names one twice')
    .nullish()
    .meta({ description: 'What it may ask for; left out: everything that an agent may.' }),
  expires_at: time('When it ends by itself; left out: never.').nullish(),
  reason,
}).meta({ id: 'TokenRequest' })

/** A month: longer, and nothing was rotated. */
const maxOverlapSeconds = 2_592_000
const overlapFault = `must be a whole number from 0 to ${maxOverlapSeconds}`

export const rotateRequest = object({
  token_id: tokenId,
  overlap_seconds: z
    .int({ error: overlapFault })
    .min(0, overlapFault)
    .max(maxOverlapSeconds, overlapFault)
    .optional()
    .meta({ description: 'How long the old one is valid yet. Default: a day.' }),
  reason,
}).meta({ id: 'RotateTokenRequest' })

export const revokeRequest = object({ token_id: tokenId, reason }).meta({
  id: 'RevokeTokenRequest',
})

export const accountRequest = object({
  id: ownName,
  name: text(200, 'For people.'),
  reason,
}).meta({ id: 'AccountRequest' })

export const accountsQuery = object({ limit, cursor: cursorOf(ownName) })

// ── Out ──────────────────────────────────────────────────────────────────────────────────────────

const token = {
  object: z.literal('token'),
  id: z.string(),
  agent: z.string(),
  status: z.enum(['valid', 'expired', 'revoked']),
  scopes: scopeList.nullable().meta({ description: '`null`: everything that an agent may.' }),
  created_at: moment,
  expires_at: moment.nullable(),
  revoked_at: moment.nullable(),
}

export const tokenJson = z.strictObject(token).meta({ id: 'Token' })

export type TokenJson = z.output<typeof tokenJson>

export const newTokenJson = z
  .strictObject({
    ...token,
    token: z.string().meta({ description: 'Shown this once; only its hash is kept.' }),
  })
  .meta({ id: 'NewToken' })

export const tokenListJson = z
  .strictObject({ object: z.literal('list'), data: z.array(tokenJson) })
  .meta({ id: 'TokenList' })

export const accountJson = z
  .strictObject({
    object: z.literal('account'),
    id: z.string(),
    name: z.string(),
    suspended: z.boolean(),
  })
  .meta({ id: 'Account' })

export type AccountJson = z.output<typeof accountJson>

export const accountListJson = z
  .strictObject({
    object: z.literal('list'),
    data: z.array(accountJson),
    cursor: z.string().nullable(),
  })
  .meta({ id: 'AccountList' })
