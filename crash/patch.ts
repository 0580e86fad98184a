// Loaded before the real service (`node --import`): changes its source while it is imported, so
// that production has no switch for it. `CRASH_PATCH` is a list of changes; one that does not
// apply ends the process.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

export interface Patch {
  /** From the root of the repository. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const root = new URL('../', import.meta.url)
const patches = JSON.parse(process.env['CRASH_PATCH'] ?? '[]') as readonly Patch[] // our own words

const sources = new Map<string, string>()
for (const { file, from, to } of patches) {
  const { href } = new URL(file, root)
  const source = sources.get(href) ?? readFileSync(fileURLToPath(href), 'utf8')
  if (source.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`)
  sources.set(href, source.replace(from, to))
}

registerHooks({
  load(url, context, nextLoad) {
    const source = sources.get(url)
    return source === undefined
      ? nextLoad(url, context)
      : { format: 'module-typescript', source, shortCircuit: true }
  },
})
