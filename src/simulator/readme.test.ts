import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { refusals } from './answers.ts'
import { faultKinds, operations } from './faults.ts'
import { sentinels } from './sentinels.ts'
import { createSimulator } from './simulator.ts'

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')

test('the README has a line for each sentinel, in its words, and for no other', () => {
  const listed = readme.match(/^\| `acct_\w+` \| .+ \|$/gm)
  const rows = Object.entries(sentinels).map(([payee, { what }]) => `| \`${payee}\` | ${what} |`)
  assert.deepEqual(listed, rows)
})

test('the README names each fault, operation and error code', () => {
  const names = [...Object.keys(faultKinds), ...operations, ...Object.keys(refusals)]
  for (const name of names) assert.ok(readme.includes(`\`${name}\``), name)
})

test('the README names each route', (t) => {
  const simulator = createSimulator()
  t.after(() => simulator.close())
  for (const { path, method } of simulator.app.routes) {
    if (path === '/*') continue
    const shown = path.startsWith('/v1/settlements/') ? '`/:id`' : `${method} ${path}`
    assert.ok(path === '/healthz' || readme.includes(shown), `${method} ${path}`)
  }
})
