// Who may come in and what a token lets its holder do: tokens with their scopes and their ends, what an
// agent may see, and accounts that can be closed.
import type { AccountRow as BudgetedAccount, AgentRow as BudgetedAgent } from './mandate.ts'

export type { BudgetRow } from './mandate.ts'

/** What an agent may ask for. A token without a list may ask for all of it. */
export const scopes = ['pay', 'read', 'capture', 'void', 'refund', 'callback'] as const

export type Scope = (typeof scopes)[number]

export const isScope = (word: string): word is Scope => (scopes as readonly string[]).includes(word)

/** `own`: the payments that it asked for itself. `account`: those of all agents of its account. */
export type Visibility = 'own' | 'account'

export interface AgentRow extends BudgetedAgent {
  /** Left out: `account`. */
  readonly visibility?: Visibility
}

export interface AccountRow extends BudgetedAccount {
  /** For people. */
  readonly name?: string
  /** None of its agents may ask for anything new, and its payments wait. */
  readonly suspended?: boolean
}

/** What is known of a token besides its hash, which is the key of its row. */
export interface TokenFacts {
  readonly createdAtMs: number
  /** Left out: the first tokens of an installation. */
  readonly id?: string
  /** `null`, or left out: it does not end by itself. */
  readonly expiresAtMs?: number | null
  readonly revokedAtMs?: number | null
  /** `null`, or left out: all of them. */
  readonly scopes?: readonly Scope[] | null
}

interface OneToken extends TokenFacts {
  readonly role: 'agent' | 'operator'
  /** The agent's id, or the operator's name. */
  readonly subject: string
}

/** The tokens of one agent, so that they can be listed; in the same table, under a key that is no hash. */
export interface TokenList {
  readonly tokens: readonly ListedToken[]
}

export interface ListedToken extends TokenFacts {
  readonly id: string
  /** The key of its row. */
  readonly hash: string
}

export type TokenRow = OneToken | TokenList

/** So many of one agent are valid at a time: enough to rotate, few enough to look through. */
export const maxTokens = 8

/** So many are remembered, with those that have ended. */
export const maxListed = 24

export const tokenListKey = (agentId: string): string => `agent:${agentId}`

/** Tokens of an identity provider of one's own, as a second way in. */
export interface JwtSettings {
  readonly jwksUrl: string
  readonly issuer: string
  readonly audience: string
  /** Signatures by key pairs only; `none` and shared secrets are never among them. */
  readonly algorithms: readonly JwtAlgorithm[]
  /** How far their clock may be from ours. */
  readonly clockToleranceSeconds: number
}

/** All that can be allowed: asymmetric, and of today's strength. */
const jwtAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const

export type JwtAlgorithm = (typeof jwtAlgorithms)[number]

/** Longer, and an expiry would mean little. */
const maxClockToleranceSeconds = 300

export const defaultJwt: Pick<JwtSettings, 'algorithms' | 'clockToleranceSeconds'> = {
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  clockToleranceSeconds: 30,
}

/** What is wrong with them, in a sentence; `null`: nothing. */
export function jwtFault(settings: JwtSettings): string | null {
  const { jwksUrl, issuer, audience, algorithms, clockToleranceSeconds: seconds } = settings
  // Whoever can change the keys on their way here can be every agent.
  if (!/^https:\/\/|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(jwksUrl)) {
    return 'the address of the keys must begin with https:// (http:// only on this machine).'
  }
  if (issuer === '' || audience === '') return 'issuer and audience must be given.'
  const known: readonly string[] = jwtAlgorithms
  if (algorithms.length === 0 || !algorithms.every((each) => known.includes(each))) {
    return `algorithms must be some of: ${jwtAlgorithms.join(', ')}.`
  }
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= maxClockToleranceSeconds) return null
  return `the clock tolerance must be 0 to ${maxClockToleranceSeconds} whole seconds.`
}

/** May it be used now? */
export function isValid({ expiresAtMs, revokedAtMs }: TokenFacts, nowMs: number): boolean {
  if (revokedAtMs !== undefined && revokedAtMs !== null) return false
  return expiresAtMs === undefined || expiresAtMs === null || nowMs < expiresAtMs
}

/** May a token with these scopes ask for it? */
export function covers(allowed: readonly Scope[] | null | undefined, needed: Scope): boolean {
  return allowed === undefined || allowed === null || allowed.includes(needed)
}
