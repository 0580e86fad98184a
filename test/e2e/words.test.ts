// Help, versions and refusals of the command line, and what `npm start` leaves behind.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

import { childEnvironment } from '../../src/config.ts'
import { atEnd, run, temporaryFolder } from './support.ts'

test('a group has help, a wrong word of it is named, and there is a version', async () => {
  for (const group of ['payments', 'dead-letters']) {
    const help = await run([group, '--help'])
    assert.equal(help.code, 0, help.stderr)
    assert.match(help.stdout, new RegExp(`^ +${group} list `, 'm'))
    assert.doesNotMatch(help.stdout, /^ +simulator /m)
  }
  const wrong = await run(['payments', 'lst'])
  assert.equal(wrong.code, 2)
  assert.match(
    wrong.stderr,
    /There is no command "payments lst"\. Which one\? quittance payments list/,
  )
  const { code, stdout } = await run(['--version'])
  assert.equal(code, 0)
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
  const mistyped = await run(['payments', 'list'], { QUITTANCE_PROT: '4055' })
  assert.equal(mistyped.code, 2)
  assert.match(mistyped.stderr, /QUITTANCE_PROT is no setting; the nearest is QUITTANCE_PORT/)
})

test('SIGTERM to `npm start` stops the service; its folder was for nobody else', async (t) => {
  const folder = join(await temporaryFolder(t), 'data')
  const env = childEnvironment({ QUITTANCE_DATA: folder, QUITTANCE_PORT: '0' })
  const npm = spawn('npm', ['start'], { env, cwd: join(import.meta.dirname, '..', '..') })
  atEnd(t, () => void npm.kill('SIGKILL'))
  let log = ''
  npm.stderr.on('data', (chunk) => (log += String(chunk)))
  const exit = once(npm, 'exit')
  for await (const line of createInterface({ input: npm.stdout })) {
    if (line.startsWith('Ctrl-C')) break
  }
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
  assert.equal(await modeOf(folder), '700')
  assert.equal(await modeOf(join(folder, 'simulator.db')), '600')
  npm.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null], log)
  assert.match(log, /"kind":"stopping","detail":"waiting for the calls that are out, at most 10 s"/)
})
