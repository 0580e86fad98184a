// A receipt: what a payment came to, as a JWS (RFC 7515) that anybody can check with our public keys and
// without us. Pure but for the arithmetic of signatures: no file, no clock, no network.
import * as jose from 'jose'
import * as z from 'zod'

import { receiptClaims } from './claims.ts'
import type { ReceiptClaims } from './claims.ts'

export interface SignedReceipt {
  readonly kid: string
  readonly jws: string
}

/** As `/.well-known/jwks.json` has it. */
export interface PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'EdDSA'
}

export interface PrivateKey {
  readonly shown: PublicKey
  /** The private part, as JWK has it. */
  readonly d: string
}

const alg = 'EdDSA'
const typ = 'quittance-receipt+jws'

/** The id of a key is its thumbprint (RFC 7638): it names this key and no other. */
export async function makeKey(): Promise<PrivateKey> {
  const pair = await jose.generateKeyPair(alg, { crv: 'Ed25519', extractable: true })
  const { x = '', d = '' } = await jose.exportJWK(pair.privateKey)
  const kid = await jose.calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })
  return { shown: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg }, d }
}

export async function signReceipt(
  claims: ReceiptClaims,
  { shown, d }: PrivateKey,
): Promise<SignedReceipt> {
  const { kty, crv, x, kid } = shown
  const key = await jose.importJWK({ kty, crv, x, d }, alg)
  const payload = new TextEncoder().encode(JSON.stringify(claims))
  const jws = await new jose.CompactSign(payload).setProtectedHeader({ alg, kid, typ }).sign(key)
  return { kid, jws }
}

export type Verified =
  | { readonly valid: true; readonly kid: string; readonly claims: ReceiptClaims }
  | { readonly valid: false; readonly why: string }

/** Is it ours, unchanged? Only the one algorithm is taken, and only a key of the list. */
export async function verifyReceipt(jws: string, keys: readonly unknown[]): Promise<Verified> {
  const invalid = (why: string): Verified => ({ valid: false, why })
  const header = headerOf(jws)
  if (header === null) return invalid('It is no receipt: not a compact JWS.')
  if (header['alg'] !== alg) return invalid('Its algorithm is not EdDSA; no other is taken.')
  if (header['typ'] !== typ) return invalid('It is a JWS, but not of a receipt.')
  const { kid } = header
  const found = keys.map((key) => publicKey.safeParse(key)).find(({ data }) => data?.kid === kid)
  if (typeof kid !== 'string' || found?.data === undefined) {
    return invalid('No key of the list has its key id (kid).')
  }
  const { kty, crv, x } = found.data
  try {
    const key = await jose.importJWK({ kty, crv, x }, alg)
    const { payload } = await jose.compactVerify(jws, key, { algorithms: [alg] })
    const claims = receiptClaims.strict().safeParse(JSON.parse(new TextDecoder().decode(payload)))
    if (claims.success) return { valid: true, kid, claims: claims.data }
    return invalid('It is signed, but written in a format that this version does not know.')
  } catch {
    return invalid('Its signature does not hold: it was changed, or signed by somebody else.')
  }
}

const publicKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
})

function headerOf(jws: string): Readonly<Record<string, unknown>> | null {
  try {
    return jose.decodeProtectedHeader(jws)
  } catch {
    return null
  }
}
