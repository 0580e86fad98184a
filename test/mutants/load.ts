// Applies one planted defect to the source while it is imported: `node --import` this file, with the
// defect's name in MUTANT.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

import { applied } from './apply.ts'
import { mutants } from './list.ts'

const root = new URL('../../', import.meta.url)
const name = process.env['MUTANT'] ?? ''
const mutant = mutants.find((each) => each.name === name)
if (mutant === undefined) throw new Error(`there is no defect named "${name}"`)
const target = new URL(mutant.file, root).href
const source = applied(mutant, readFileSync(fileURLToPath(target), 'utf8'))

registerHooks({
  load(url, context, nextLoad) {
    return url === target
      ? { format: 'module-typescript', source, shortCircuit: true }
      : nextLoad(url, context)
  },
})
