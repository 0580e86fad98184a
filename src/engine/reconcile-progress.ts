// How far the comparison of a run is, kept with its index after each batch: whoever goes on with the run
// goes on there, and counts nothing twice.
import type { TallyState } from './reconcile-tally.ts'
import type { RecordIndex } from './record-index.ts'

export interface Progress {
  /** Where the page of ours begins that is compared now or next; `null`: there is none left. */
  readonly cursor: string | null
  /** Records of ids from here on are compared; `null`: none is. */
  readonly before: string | null
  readonly tally: TallyState
}

export function progressOf(index: RecordIndex): Progress | null {
  const kept = index.progress()
  // Only `keepProgress` writes it.
  return kept === null ? null : (JSON.parse(kept) as Progress)
}

export function keepProgress(index: RecordIndex, progress: Progress): void {
  index.keepProgress(JSON.stringify(progress))
}
