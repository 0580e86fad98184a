// What is uploaded: small, one file each, the same bytes every time.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

import { assetFolder, bundle, bundleFrom, functionNames, maxBytes, tooLarge } from './bundle.ts'
import { settingsUsed } from './settings.ts'

const sizes = await bundle()

test('every function loads less than a megabyte at its start, minified', (t) => {
  for (const name of functionNames) t.diagnostic(`${name}: ${Math.round(sizes[name] / 1000)} kB`)
  assert.equal(maxBytes, 1_000_000)
  assert.deepEqual(tooLarge(sizes), [])
  for (const name of functionNames) assert.ok(readdirSync(assetFolder(name)).includes('index.mjs'))
})

test('what only some requests need is beside it, and is there when it is asked for', async () => {
  const code = `export const open = async () => (await import('./openapi.ts')).describe([])`
  const resolveDir = join(import.meta.dirname, '..', 'src', 'http')
  const { files, startBytes } = await bundleFrom({ stdin: { contents: code, resolveDir } })
  const whole = [...files.values()].reduce((sum, { length }) => sum + length, 0)
  assert.ok(startBytes < 10_000 && whole > 100_000, `${startBytes} of ${whole}`)
  const folder = mkdtempSync(join(tmpdir(), 'quittance-aside-'))
  try {
    for (const [file, contents] of files) writeFileSync(join(folder, file), contents)
    const { open } = (await import(join(folder, 'stdin.mjs'))) as { open: () => Promise<object> }
    assert.ok('openapi' in (await open()))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('each function is told every setting that it reads, and no other', () => {
  const asked = /[.](?:text|number|json)\("([A-Z_]+)"\)|[.](workflow)\(\)/g
  for (const name of functionNames) {
    const code = codeOf(name)
    const read = [...code.matchAll(asked)].map(([, setting = 'WORKFLOW']) => setting)
    assert.deepEqual([...new Set(read)].toSorted(), [...settingsUsed[name]].toSorted(), name)
  }
})

test('one that is larger is named', () => {
  assert.deepEqual(tooLarge({ intake: 999_999, step: 1_000_001 }), ['step'])
})

test('the same source gives the same bytes, and none of them says where it was made', async () => {
  const before = hashes()
  await bundle()
  assert.deepEqual(hashes(), before)
  const root = join(import.meta.dirname, '..')
  for (const name of functionNames) {
    assert.ok(!codeOf(name).includes(root), name)
  }
})

test('every bundle loads in a bare process and has its handler', () => {
  for (const name of functionNames) {
    const code = `const { handler } = await import('./index.mjs'); console.log(typeof handler)`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: assetFolder(name),
      encoding: 'utf8',
      env: {},
    })
    assert.equal(stdout, 'function\n', `${name}: ${stderr}`)
  }
})

test('what is left out of undici is not missed: a call comes and goes', async () => {
  const code = `import { Pool } from 'undici'
    const pool = new Pool(process.argv[2])
    const { statusCode, body } = await pool.request({ path: '/', method: 'GET' })
    console.log(statusCode, await body.text())
    await pool.close()`
  const folder = mkdtempSync(join(tmpdir(), 'quittance-pool-'))
  const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { files } = await bundleFrom({
      stdin: { contents: code, resolveDir: import.meta.dirname },
    })
    writeFileSync(join(folder, 'index.mjs'), files.get('stdin.mjs') ?? '')
    const { port } = server.address() as AddressInfo
    const child = spawn(process.execPath, ['index.mjs', `http://127.0.0.1:${port}`], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    assert.equal(await text(child.stdout), '200 here\n')
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
})

function hashes(): Record<string, string> {
  return Object.fromEntries(
    functionNames.map((name) => [name, createHash('sha256').update(codeOf(name)).digest('hex')]),
  )
}

/** All files of an asset, by name. */
function codeOf(name: (typeof functionNames)[number]): string {
  const folder = assetFolder(name)
  const files = readdirSync(folder).toSorted()
  return files.map((file) => `${file}\n${readFileSync(join(folder, file), 'utf8')}`).join('')
}
