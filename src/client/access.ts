// Accounts, mandates and tokens over the wire, for operators.
import type { Asking, Send } from './ask.ts'
import type { Acting, Page } from './operator.ts'
import { search } from './search.ts'
import type { Refused } from './types.ts'

export interface AccountStatus {
  readonly object: 'account'
  readonly id: string
  readonly name: string
  readonly suspended: boolean
}

export interface TokenStatus {
  readonly object: 'token'
  readonly id: string
  readonly agent: string
  readonly status: 'valid' | 'expired' | 'revoked'
  /** `null`: everything that an agent may. */
  readonly scopes: readonly string[] | null
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
}

/** In minor units; `null`, or left out: no such limit. Days and months are those of UTC. */
export interface MandateLimits {
  readonly per_payment?: number | null
  readonly per_day?: number | null
  readonly per_month?: number | null
  readonly per_payee_and_day?: number | null
  /** A payment above it waits for a person. */
  readonly approval_above?: number | null
}

export interface MandateTerms {
  /** By currency; one that is not listed is refused. */
  readonly limits: Readonly<Record<string, MandateLimits>>
  readonly payees?: readonly ({ readonly exact: string } | { readonly prefix: string })[] | null
  readonly payment_methods?: readonly string[] | null
  readonly expires_at?: string | null
}

/** Who is bound: one agent, or all agents of an account together. */
export interface Bound {
  readonly scope: 'agent' | 'account'
  readonly id: string
}

/** `version` 0: there is no mandate, and nothing binds here; `limits` is `null` then. */
export interface BoundMandate extends Bound, Omit<MandateTerms, 'limits'> {
  readonly object: 'bound_mandate'
  readonly version: number
  readonly limits: MandateTerms['limits'] | null
}

type Told<More> = ({ readonly ok: true } & More) | Refused

export type AccountResult = Told<{ readonly account: AccountStatus }>
export type BoundMandateResult = Told<{ readonly mandate: BoundMandate }>
export type TokenResult = Told<{ readonly token: TokenStatus }>
/** The token itself is in this answer and in no other. */
export type NewTokenResult = Told<{ readonly token: TokenStatus & { readonly token: string } }>

export interface AccessClient {
  readonly accounts: (
    query?: { readonly limit?: number; readonly cursor?: string },
    how?: Asking,
  ) => Promise<Page<AccountStatus>>
  readonly account: (accountId: string, how?: Asking) => Promise<AccountResult>
  readonly addAccount: (
    id: string,
    how: Acting & { readonly name: string },
  ) => Promise<AccountResult>
  readonly suspendAccount: (accountId: string, how: Acting) => Promise<AccountResult>
  readonly resumeAccount: (accountId: string, how: Acting) => Promise<AccountResult>
  readonly mandateOf: (bound: Bound, how?: Asking) => Promise<BoundMandateResult>
  /**
   * Takes the place of `version` (0: there was none), as a whole. Of two answers to one call that was
   * repeated the second one is 412 `mandate_changed`: look whether it is yours.
   */
  readonly setMandate: (
    bound: Bound,
    terms: MandateTerms & { readonly version: number },
    how: Acting,
  ) => Promise<BoundMandateResult>
  readonly tokens: (agentId: string, how?: Asking) => Promise<Page<TokenStatus>>
  readonly addToken: (
    agentId: string,
    what: { readonly scopes?: readonly string[]; readonly expires_at?: string },
    how: Acting,
  ) => Promise<NewTokenResult>
  readonly rotateToken: (
    agentId: string,
    what: { readonly token_id: string; readonly overlap_seconds?: number },
    how: Acting,
  ) => Promise<NewTokenResult>
  readonly revokeToken: (agentId: string, tokenId: string, how: Acting) => Promise<TokenResult>
}

export function accessClient(send: Send): AccessClient {
  const post = (path: string, what: object, { reason, ...how }: Acting) =>
    send({ method: 'POST', path, body: { ...what, reason } }, how)
  // The casts: the service's own answers, whose schemas are tested there.
  const account = async (asked: ReturnType<Send>): Promise<AccountResult> => {
    const reply = await asked
    return reply.ok ? { ok: true, account: reply.body as AccountStatus } : reply
  }
  const issued = async (asked: ReturnType<Send>): Promise<NewTokenResult> => {
    const reply = await asked
    return reply.ok
      ? { ok: true, token: reply.body as TokenStatus & { readonly token: string } }
      : reply
  }
  const bindings = async (asked: ReturnType<Send>): Promise<BoundMandateResult> => {
    const reply = await asked
    return reply.ok ? { ok: true, mandate: reply.body as BoundMandate } : reply
  }
  const mandatePath = ({ scope, id }: Bound): string =>
    `/v1/${scope}s/${encodeURIComponent(id)}/mandate`
  const accountPath = (id: string): string => `/v1/accounts/${encodeURIComponent(id)}`
  const tokensPath = (id: string): string => `/v1/agents/${encodeURIComponent(id)}/tokens`
  return {
    accounts: async (query = {}, how) => {
      const reply = await send({ method: 'GET', path: `/v1/accounts${search(query)}` }, how)
      return reply.ok ? { ok: true, ...(reply.body as PageBody<AccountStatus>) } : reply
    },
    account: (id, how) => account(send({ method: 'GET', path: accountPath(id) }, how)),
    addAccount: (id, { name, ...how }) => account(post('/v1/accounts', { id, name }, how)),
    suspendAccount: (id, how) => account(post(`${accountPath(id)}/suspend`, {}, how)),
    resumeAccount: (id, how) => account(post(`${accountPath(id)}/resume`, {}, how)),
    mandateOf: (bound, how) => bindings(send({ method: 'GET', path: mandatePath(bound) }, how)),
    setMandate: (bound, terms, { reason, ...how }) =>
      bindings(send({ method: 'PUT', path: mandatePath(bound), body: { ...terms, reason } }, how)),
    async tokens(id, how) {
      const reply = await send({ method: 'GET', path: tokensPath(id) }, how)
      if (!reply.ok) return reply
      return { ok: true, data: (reply.body as PageBody<TokenStatus>).data, cursor: null }
    },
    addToken: (id, what, how) => issued(post(tokensPath(id), what, how)),
    rotateToken: (id, what, how) => issued(post(`${tokensPath(id)}/rotate`, what, how)),
    async revokeToken(id, tokenId, how) {
      const reply = await post(`${tokensPath(id)}/revoke`, { token_id: tokenId }, how)
      return reply.ok ? { ok: true, token: reply.body as TokenStatus } : reply
    },
  }
}

interface PageBody<Item> {
  readonly data: readonly Item[]
  readonly cursor: string | null
}
