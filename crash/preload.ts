// Settings of a process of ours that loads files of this folder before its own.
import type { Mutant } from '../test/mutants/list.ts'

const patcher = new URL('patch.ts', import.meta.url)

/** Its source is changed by the patches while it is imported. */
export function preloading(
  patches: readonly Mutant[],
  ...files: readonly URL[]
): Readonly<Record<string, string>> {
  const all = patches.length === 0 ? files : [patcher, ...files]
  if (all.length === 0) return {}
  const imports = all.map(({ href }) => `--import ${href}`)
  return {
    NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...imports].join(' ').trim(),
    CRASH_PATCH: JSON.stringify(patches),
  }
}
