// Loaded before the real service (`node --import`): changes its source while it is imported, so
// that production has no switch for it. `CRASH_PATCH` is a list of changes; one that does not
// apply ends the process.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

import { applied } from '../test/mutants/apply.ts'
import type { Mutant } from '../test/mutants/list.ts'

const root = new URL('../', import.meta.url)
const patches = JSON.parse(process.env['CRASH_PATCH'] ?? '[]') as readonly Mutant[] // our own words

const sources = new Map<string, string>()
for (const patch of patches) {
  const { href } = new URL(patch.file, root)
  sources.set(href, applied(patch, sources.get(href) ?? readFileSync(fileURLToPath(href), 'utf8')))
}

registerHooks({
  load(url, context, nextLoad) {
    const source = sources.get(url)
    return source === undefined
      ? nextLoad(url, context)
      : { format: 'module-typescript', source, shortCircuit: true }
  },
})
