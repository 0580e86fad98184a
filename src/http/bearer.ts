// Whose is this bearer token? One of ours, or one of the identity provider that is trusted; the door of one
// machine and the gate on AWS ask here alike.
import { identify, identifyAgent } from '../engine/identity.ts'
import type { Directory, Identity } from '../engine/identity.ts'
import { isJwt } from './jwt.ts'
import type { JwtVerifier } from './jwt.ts'
import { namePattern } from './schemas.ts'

export type Bearer =
  | { readonly result: 'known'; readonly identity: Identity }
  /** `why`: a sentence for its holder; `null`: nothing is known of it. */
  | { readonly result: 'stranger'; readonly why: string | null }
  /** The provider's keys cannot be read: nobody can say whose it is. */
  | { readonly result: 'no_keys' }

export async function identifyBearer(
  directory: Directory,
  jwt: JwtVerifier | undefined,
  token: string,
): Promise<Bearer> {
  if (jwt === undefined || !isJwt(token)) return toBearer(await identify(directory, token), null)
  const verified = await jwt.verify(token)
  if (verified.result === 'no_keys') return verified
  if (verified.result === 'refused') return { result: 'stranger', why: verified.why }
  const { subject, scopes } = verified
  const isName = namePattern.test(subject)
  const identity = isName ? await identifyAgent(directory, subject, scopes) : null
  return toBearer(identity, 'Its subject is no agent here.')
}

const toBearer = (identity: Identity | null, why: string | null): Bearer =>
  identity === null ? { result: 'stranger', why } : { result: 'known', identity }
