// Every planted defect still has its place in the source. That each is caught: `npm run sim:mutants`.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { applied } from './mutants/apply.ts'
import { mutants } from './mutants/list.ts'

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

test('every planted defect applies to the source, exactly once', () => {
  assert(mutants.length >= 20)
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  for (const mutant of mutants) {
    const source = read(mutant.file)
    assert.notEqual(applied(mutant, source), source, mutant.name)
  }
})

test('a patch that has lost its place is an error', () => {
  const [mutant] = mutants
  assert(mutant !== undefined)
  assert.throws(() => applied(mutant, ''), /0 times in/)
  assert.throws(() => applied(mutant, mutant.find.repeat(2)), /2 times in/)
})
