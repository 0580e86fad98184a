// A planted defect as text. It must apply exactly once: a patch that has lost its place is no proof.
import type { Mutant } from './list.ts'

/** The source with the defect. Throws where its place is not there, or there more than once. */
export function applied({ name, file, find, replace }: Mutant, source: string): string {
  const places = source.split(find).length - 1
  if (places !== 1) {
    throw new Error(`"${name}": its place is ${places} times in ${file}; mend the patch`)
  }
  return source.replace(find, () => replace)
}
