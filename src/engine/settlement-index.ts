// Where the lines of a settlement file wait while they come in and are compared.
import type { SettlementLine } from '../core/settlement.ts'

export interface LinesPage {
  /** Lines of the file before this page; it ends with line `through`. */
  readonly from: number
  readonly through: number
  readonly lines: readonly SettlementLine[]
  /** As they came, cut short, each with its place and why it cannot be read. */
  readonly unreadable: readonly string[]
}

/** One subject's lines: of a payment that they name, or of one reference. */
export interface LineGroup {
  readonly subject: string
  /** `null`: the lines carry no id of ours. */
  readonly paymentId: string | null
  readonly lines: readonly SettlementLine[]
}

/** The lines of one file, in a place of their own that outlives the process; there may be millions. */
export interface SettlementIndex {
  /** The file's lines that are here for good. */
  received(): number
  /** `had`: it was here before. `gap`: what comes before it is not. Durable when it returns. */
  add(page: LinesPage): 'added' | 'had' | 'gap'
  /** No more lines come: sorts them for the comparison. May be repeated. */
  complete(): void
  isComplete(): boolean
  /** All lines of the next so many subjects, each subject's together. */
  groups(afterSubject: string, limit: number): readonly LineGroup[]
  unreadable(offset: number, limit: number): readonly string[]
  unreadableCount(): number
  /** Does a line name this payment, by an id of ours or (`seen`) by what was matched? */
  has(paymentId: string): boolean
  seen(paymentIds: readonly string[]): void
  /** At most so many names of batches. */
  batches(limit: number): readonly string[]
  close(forget: boolean): void
}
