// What an object at the processor carries of its payment, so that a store which was lost or set back
// can be rebuilt from the processor's own records. Bill and key are told as hashes: they can be found
// again by whoever asks with them, and read by nobody.

/** As the metadata of an object says; `null`: it was made before this was told. */
export interface Marks {
  readonly account: string | null
  readonly agent: string | null
  readonly capture: 'automatic' | 'manual' | null
  readonly batch: string | null
  readonly retryOf: string | null
  readonly retryCount: number
  readonly payee: string | null
  readonly paymentMethod: string | null
  /** SHA-256 (hex) of payee and reference, normalised: the bill, in whichever account. */
  readonly billHash: string | null
  /** SHA-256 of the key of the look-alike row by reference. */
  readonly alikeHash: string | null
  readonly asked: AskedWith | null
  readonly refunds: readonly RefundMark[]
}

/** The agent's key and what it was used for, as hashes. */
export interface AskedWith {
  /** SHA-256 (base64url) of the key of the idempotency key's row: agent, method, path and key. */
  readonly key: string
  /** The fingerprint in that row: SHA-256 (hex) of path and canonical body. */
  readonly request: string
}

export interface RefundMark {
  readonly objectId: string
  readonly refundId: string | null
  readonly reference: string | null
}

/** The number of an attempt, as its id ends; 0: it is none of our ids. */
export function attemptNumber(attemptId: string | null): number {
  const digits = /^att_[0-9A-Za-z]+_[a-z]+_(\d{1,6})$/.exec(attemptId ?? '')?.[1]
  return digits === undefined ? 0 : Number(digits)
}
