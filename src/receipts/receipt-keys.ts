// What signs receipts: the door asks, whoever opens it says where the keys are kept.
import type { ReceiptClaims } from './claims.ts'
import type { PublicKey, SignedReceipt } from './receipt.ts'

export interface ReceiptKeys {
  /** With the newest key. */
  readonly sign: (claims: ReceiptClaims) => Promise<SignedReceipt>
  /** All there ever were, newest first. */
  readonly publicKeys: () => readonly PublicKey[]
  /** Makes a new key, which signs from now on; gives its id. */
  readonly rotate: () => Promise<string>
}
