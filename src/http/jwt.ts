// The second way in: tokens that an identity provider of one's own has signed. Who signed is found out by
// its published keys; `sub` is the id of an agent. Operators have no such tokens.
import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'

import { isScope } from '../core/access.ts'
import type { JwtSettings, Scope } from '../core/access.ts'
import type { JwkSource } from './jwk-source.ts'

/** What a token proves; `refused` says why not, in words that help its owner and nobody else. */
export type Verified =
  | { readonly result: 'known'; readonly subject: string; readonly scopes: readonly Scope[] | null }
  | { readonly result: 'refused'; readonly why: string }
  /** The keys cannot be read, and none are known: nothing is said about the token. */
  | { readonly result: 'no_keys' }

export interface JwtVerifier {
  readonly verify: (token: string) => Promise<Verified>
}

/** Larger than what providers put into access tokens, and small enough for a header. */
const maxJwtLength = 8_192

/** Three parts, the first of which begins with `{"`: tokens of our own have no dots. */
export const isJwt = (token: string): boolean =>
  token.length <= maxJwtLength && /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(token)

export function createJwtVerifier(
  settings: JwtSettings,
  source: JwkSource,
  nowMs: () => number,
): JwtVerifier {
  const { issuer, audience, clockToleranceSeconds } = settings
  const options = {
    issuer,
    audience,
    algorithms: [...settings.algorithms],
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp', 'sub'],
  }
  const check = async (token: string, keys: ReturnType<typeof createLocalJWKSet>) => {
    const { payload } = await jwtVerify(token, keys, { ...options, currentDate: new Date(nowMs()) })
    return read(payload)
  }
  return Object.freeze<JwtVerifier>({
    async verify(token) {
      const keys = await source.keys()
      if (keys === null) return { result: 'no_keys' }
      try {
        return await check(token, createLocalJWKSet(keys))
      } catch (error) {
        // Their keys may have changed since; a stranger must not make us ask for each of his tokens.
        const fresh = error instanceof errors.JWKSNoMatchingKey ? await source.newer(keys) : null
        if (fresh === null) return refused(error)
        return check(token, createLocalJWKSet(fresh)).catch(refused)
      }
    },
  })
}

function read({ sub = '', scope }: JWTPayload): Verified {
  const words = typeof scope === 'string' ? scope.split(' ') : []
  const ours = words.filter((word) => word.startsWith(scopePrefix))
  const scopes = ours.map((word) => word.slice(scopePrefix.length)).filter(isScope)
  // A provider that says nothing about us restricts nothing; one misspelt word allows nothing.
  return { result: 'known', subject: sub, scopes: ours.length === 0 ? null : scopes }
}

const scopePrefix = 'quittance:'

// The signature is checked before any claim: who is told of a claim holds a token of the provider.
function refused(error: unknown): Verified {
  const refuse = (why: string): Verified => ({ result: 'refused', why })
  if (error instanceof errors.JWTExpired) return refuse('This token has expired; get a new one.')
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return refuse('This token is for another audience.')
    if (error.claim === 'nbf') return refuse('This token is not valid yet.')
  }
  return refuse('This token is not accepted here.')
}
