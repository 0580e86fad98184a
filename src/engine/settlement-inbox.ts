// Settlement files on their way in. A file comes in pages, so that it can be of any length, and goes on
// where it broke off; when all of it is here a run compares it.
import type { SettlementFile } from '../core/breaks.ts'
import type { LinesPage } from './settlement-index.ts'

export interface SettlementOffer {
  readonly name: string
  readonly processor: string
  /** Of the file's bytes and of how they are read, as 64 hexadecimal digits: the same file is known by it. */
  readonly digest: string
  readonly isExclusive: boolean
}

export interface SettlementUpload extends Omit<SettlementOffer, 'digest'> {
  readonly id: string
  /** Lines that are here for good. */
  readonly received: number
  /** The run that compares it, or compared it; `null`: not all of it is here. */
  readonly run: string | null
}

export interface SettlementInbox {
  /** The upload of this file, begun now or before. `again`: read before, and to be compared anew. */
  open(offer: SettlementOffer, again: boolean): SettlementUpload
  read(id: string): SettlementUpload | null
  /** `null`: there is no such upload. Whatever is `had` already stays as it is. */
  add(id: string, page: LinesPage): { readonly added: 'added' | 'had' | 'gap' } | null
  /** All of it is here; what its run has to know. */
  complete(id: string): SettlementFile
  began(id: string, run: string): void
}
