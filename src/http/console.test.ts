// The console's gate: signing in, the cookie in place of a token, what others may not do with it, and
// the files under a strict policy.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { createHttpWorld, tokens } from '../../test/http-world.ts'
import { openConsoleFiles } from './console-files.ts'
import { withConsole } from './console.ts'
import { createSessions } from './session.ts'

const host = 'http://quittance.test'
const viewerToken = 'token-of-a-viewer'
const own = { 'x-quittance-console': '1' }
const fromHere = { ...own, origin: host, host: 'quittance.test' }

const folder = mkdtempSync(join(tmpdir(), 'console-files-'))
after(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'assets'))
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>The console</title>')
writeFileSync(join(folder, 'assets', 'index-abc.js'), 'console.log(1)')
writeFileSync(join(folder, 'secret.txt'), 'not ours to show')

async function createGate(files = openConsoleFiles([folder])) {
  const world = await createHttpWorld()
  const gate = withConsole(world.app, world.engine, { viewerToken, files })
  const ask = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: unknown,
  ) => {
    const sent = body === undefined ? {} : { 'content-type': 'application/json' }
    const text = body === undefined ? null : JSON.stringify(body)
    const init = { method, headers: { ...sent, ...headers }, body: text }
    return gate.fetch(new Request(`${host}${path}`, init), {})
  }
  const signIn = async (token: string = tokens.operator) => {
    const answer = await ask('POST', '/console/session', fromHere, { token })
    const cookie = answer.headers.get('set-cookie') ?? ''
    return { answer, cookie, sent: { cookie: cookie.split(';')[0] ?? '' } }
  }
  return { ...world, ask, signIn }
}

test('an operator signs in and acts under their own name; the audit says so', async () => {
  const { ask, signIn } = await createGate()
  const { answer, cookie, sent } = await signIn()
  assert.equal(answer.status, 200)
  assert.match(
    cookie,
    /^quittance_session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
  )
  const stopped = await ask('POST', '/v1/stop', { ...fromHere, ...sent }, { reason: 'a drill' })
  assert.equal(stopped.status, 200)
  const audit = await ask('GET', '/v1/audit', { ...own, ...sent })
  const { data } = (await audit.json()) as { data: readonly { by: string; act: string }[] }
  assert.deepEqual([data[0]?.by, data[0]?.act], ['Olga', 'stop'])
})

test('behind TLS the cookie is sent over TLS only', async () => {
  const { ask } = await createGate()
  const headers = { ...fromHere, 'x-forwarded-proto': 'https' }
  const answer = await ask('POST', '/console/session', headers, { token: tokens.operator })
  assert.match(answer.headers.get('set-cookie') ?? '', /; Secure$/)
})

test('nobody signs in with an agent’s token, a wrong one or none', async () => {
  const { signIn, ask } = await createGate()
  const statuses = []
  for (const token of [tokens.agent, 'no-such-token', '']) {
    const { answer, cookie } = await signIn(token)
    assert.equal(cookie, '')
    statuses.push(answer.status)
  }
  assert.deepEqual(statuses, [403, 401, 400])
  const long = await ask('POST', '/console/session', fromHere, { token: 'x'.repeat(5_000) })
  assert.equal(long.status, 400)
})

test('the cookie alone is nobody: a request needs our header, and an act our own origin', async () => {
  const { ask, signIn, commits } = await createGate()
  const { sent } = await signIn()
  assert.equal((await ask('GET', '/v1/stop', sent)).status, 401)
  const before = commits()
  const act = { reason: 'from elsewhere' }
  assert.equal((await ask('POST', '/v1/stop', sent, act)).status, 401)
  assert.equal((await ask('POST', '/v1/stop', { ...own, ...sent }, act)).status, 403)
  const foreign = { ...own, ...sent, origin: 'http://evil.test', host: 'quittance.test' }
  assert.equal((await ask('POST', '/v1/stop', foreign, act)).status, 403)
  assert.equal(
    (await ask('POST', '/console/session', { ...foreign }, { token: tokens.operator })).status,
    403,
  )
  assert.equal(commits(), before)
})

test('a viewer reads what operators read and changes nothing, with cookie and with token', async () => {
  const { ask, signIn, commits } = await createGate()
  const { answer, sent } = await signIn(viewerToken)
  assert.equal(((await answer.json()) as { role: string }).role, 'viewer')
  const bearer = { authorization: `Bearer ${viewerToken}` }
  const before = commits()
  for (const headers of [{ ...fromHere, ...sent }, bearer]) {
    assert.equal((await ask('GET', '/v1/audit', headers)).status, 200)
    const refused = await ask('POST', '/v1/stop', headers, { reason: 'curious' })
    assert.equal(refused.status, 403)
    assert.equal(((await refused.json()) as { code: string }).code, 'forbidden')
  }
  assert.equal(commits(), before)
})

test('signed out is out, and so is who signed in half a day ago', async () => {
  const { ask, signIn, world } = await createGate()
  const first = await signIn()
  const out = await ask('DELETE', '/console/session', { ...fromHere, ...first.sent })
  assert.match(out.headers.get('set-cookie') ?? '', /Max-Age=0/)
  assert.equal((await ask('GET', '/v1/stop', { ...own, ...first.sent })).status, 401)
  const second = await signIn()
  assert.equal((await ask('GET', '/v1/stop', { ...own, ...second.sent })).status, 200)
  world.hand.nowMs += 12 * 3_600_000
  assert.equal((await ask('GET', '/v1/stop', { ...own, ...second.sent })).status, 401)
})

test('sessions are bounded: the oldest makes room', () => {
  const sessions = createSessions()
  const person = { role: 'operator', name: 'Olga' } as const
  const ids = Array.from({ length: 201 }, (_, index) => sessions.begin(person, index).id)
  const isIn = (index: number) => sessions.find(ids[index] ?? '', 300) !== null
  assert.deepEqual([isIn(0), isIn(1), isIn(200)], [false, true, true])
})

test('agents and their tokens pass the gate untouched', async () => {
  const { ask } = await createGate()
  const agent = { authorization: `Bearer ${tokens.agent}` }
  assert.equal((await ask('GET', '/v1/payments', agent)).status, 200)
  assert.equal((await ask('GET', '/v1/stop', agent)).status, 403)
  assert.equal((await ask('GET', '/healthz')).status, 200)
})

test('every screen is the same document, under a policy without anything inline', async () => {
  const { ask } = await createGate()
  for (const path of ['/', '/payments', '/payments/pay_01JD4Z0M8QW3R5T7V9X1B2C4D6', '/sandbox']) {
    const page = await ask('GET', path)
    assert.equal(page.status, 200, path)
    assert.match(await page.text(), /The console/)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.equal(page.headers.get('cache-control'), 'no-cache')
  }
})

test('assets are kept for good and compressed; what was not built is not there', async () => {
  const { ask } = await createGate()
  const script = await ask('GET', '/assets/index-abc.js', { 'accept-encoding': 'gzip' })
  assert.match(script.headers.get('cache-control') ?? '', /immutable/)
  assert.equal(gunzipSync(await script.arrayBuffer()).toString(), 'console.log(1)')
  const etag = script.headers.get('etag') ?? ''
  assert.equal((await ask('GET', '/assets/index-abc.js', { 'if-none-match': etag })).status, 304)
  for (const path of ['/secret.txt', '/assets/..%2Fsecret.txt', '/assets/', '/nowhere']) {
    assert.equal((await ask('GET', path)).status, 404, path)
  }
})

test('where the console is not built its place says how to build it', async () => {
  const { ask } = await createGate(openConsoleFiles([join(folder, 'empty')]))
  const page = await ask('GET', '/')
  assert.equal(page.status, 200)
  assert.match(await page.text(), /npm start/)
  assert.equal((await ask('GET', '/healthz')).status, 200)
})
