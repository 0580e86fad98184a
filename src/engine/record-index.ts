// Where a reconciliation keeps the processor's records while it compares them.
import type { ProcessorRecord } from '../core/reconcile.ts'
import type { RecordsRead } from '../ports.ts'

/**
 * The processor's records of one run, sorted by payment as they come, in a place of their own: there may
 * be more than fit into memory. What was added outlives the process, so that a run goes on where it was.
 */
export interface RecordIndex {
  /** Where the reading of the records stands. */
  place(): { readonly cursor: string | null; readonly isComplete: boolean }
  /** A page and the place after it, together; a record that comes again counts once. */
  add(page: RecordsRead): void
  /** The next payments' records, each payment's all together. */
  groups(
    afterPaymentId: string,
    limit: number,
  ): readonly { readonly paymentId: string; readonly records: readonly ProcessorRecord[] }[]
  /** Records that carry no payment's id. */
  nameless(limit: number, offset: number): readonly ProcessorRecord[]
  unreadable(): readonly string[]
  has(paymentId: string): boolean
  /** Of which payment is this object, by its metadata? */
  ownerOf(objectId: string): string | null
  count(): number
  /** Lets go of it; `forget`: what it holds is not needed any more. */
  close(forget: boolean): void
}
