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
  /** A page and the place after it, together; a record that comes again counts once. How many are new. */
  add(page: RecordsRead): number
  /**
   * The records of the next payments, the last id first, each payment's all together: of ids before
   * `before` (`null`: from the last one on) and not before `from`.
   */
  groups(
    before: string | null,
    from: string,
    limit: number,
  ): readonly { readonly paymentId: string; readonly records: readonly ProcessorRecord[] }[]
  /** Records that carry no payment's id. */
  nameless(limit: number, offset: number): readonly ProcessorRecord[]
  unreadable(): readonly string[]
  has(paymentId: string): boolean
  /** Of which payment is this object, by its metadata? */
  ownerOf(objectId: string): string | null
  count(): number
  /** How far the comparison is, as it was kept last; `null`: nothing is compared yet. */
  progress(): string | null
  /** Replaces what was kept before. */
  keepProgress(progress: string): void
  /** Lets go of it; `forget`: what it holds is not needed any more. */
  close(forget: boolean): void
}
