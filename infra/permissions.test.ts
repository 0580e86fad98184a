import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { page, pagePath } from './permissions.ts'
import { wildcardReasons } from './wildcards.ts'

test('the page of permissions is that of the template', () => {
  assert.equal(readFileSync(pagePath, 'utf8'), page(), 'npm run permissions --workspace infra')
})

test('every wildcard that AWS forces is named on it with its reason', () => {
  const text = readFileSync(pagePath, 'utf8')
  for (const [sid, reason] of Object.entries(wildcardReasons)) {
    assert.ok(text.includes(`\`${sid}\`: ${reason}`), sid)
  }
})
