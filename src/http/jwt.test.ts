// Tokens of an identity provider at the door: who comes in, who does not, and what they are told.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as jose from 'jose'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld, Reply } from '../../test/http-world.ts'
import { defaultJwt, jwtFault } from '../core/access.ts'
import { createJwkSource } from './jwk-source.ts'
import { createJwtVerifier } from './jwt.ts'

const settings = {
  ...defaultJwt,
  jwksUrl: 'https://idp.example/jwks',
  issuer: 'https://idp.example/',
  audience: 'quittance',
}

interface Provider {
  readonly world: HttpWorld
  readonly ask: (token: string, method?: string, path?: string) => Promise<Reply>
  /** A token of agent_1 that is good for five minutes, but for the changes. */
  readonly sign: (claims?: object, more?: { alg?: string; kid?: string }) => Promise<string>
  readonly rotate: (kid: string) => Promise<void>
  readonly away: (isAway: boolean) => void
  readonly calls: () => number
  readonly later: (ms: number) => void
}

async function provider(): Promise<Provider> {
  let nowMs = Date.parse('2026-01-31T12:00:00Z')
  let [calls, isAway] = [0, false]
  let pair = await jose.generateKeyPair('ES256')
  let current = 'one'
  let published: object[] = []
  const publish = async (kid: string): Promise<void> => {
    current = kid
    published = [{ ...(await jose.exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' }]
  }
  await publish('one')
  const fetch = async (): Promise<Response> => {
    calls += 1
    if (isAway) throw new TypeError('fetch failed')
    return Response.json({ keys: published })
  }
  const source = createJwkSource(settings.jwksUrl, { fetch, nowMs: () => nowMs })
  const jwt = createJwtVerifier(settings, source, () => nowMs)
  const made = await createHttpWorld({ service: { jwt } })
  const claims = (over: object): jose.JWTPayload => {
    const atSeconds = Math.floor(nowMs / 1000)
    const { issuer: iss, audience: aud } = settings
    return { iss, aud, sub: 'agent_1', iat: atSeconds, exp: atSeconds + 300, ...over }
  }
  return {
    world: made,
    ask: (token, method = 'GET', path = '/v1/mandate') =>
      made.ask(method, path, {
        as: null,
        key: method === 'POST' ? 'key-1' : null,
        headers: { authorization: `Bearer ${token}` },
        ...(method === 'POST' ? { body: bill } : {}),
      }),
    sign: (over = {}, { alg = 'ES256', kid = current } = {}) =>
      new jose.SignJWT(claims(over)).setProtectedHeader({ alg, kid }).sign(pair.privateKey),
    async rotate(kid) {
      pair = await jose.generateKeyPair('ES256')
      await publish(kid)
    },
    away: (next) => void (isAway = next),
    calls: () => calls,
    later: (ms) => void (nowMs += ms),
  }
}

test('the subject of a token is its agent, who pays as with a token of ours', async () => {
  const { world: made, ask, sign } = await provider()
  const paid = await ask(await sign(), 'POST', '/v1/payments')
  assert.deepEqual([paid.status, paid.body.agent, paid.body.account], [202, 'agent_1', 'account_1'])
  const again = await made.ask('POST', '/v1/payments', { key: 'key-1', body: bill })
  assert.equal(again.body.id, paid.body.id, 'the key is the agent’s, whatever token it shows')
})

test('scopes of the provider restrict, and one that is misspelt allows nothing', async () => {
  const { ask, sign } = await provider()
  const reader = await sign({ scope: 'openid quittance:read' })
  assert.equal((await ask(reader)).status, 200)
  const refused = await ask(reader, 'POST', '/v1/payments')
  assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden'])
  assert.match(refused.body.detail, /needs the scope pay; the token has: read/)
  assert.equal((await ask(await sign({ scope: 'quittance:raed' }))).status, 403)
  assert.equal((await ask(await sign({ scope: 'openid profile' }))).status, 200)
})

test('what is not good is 401, and only who holds a token of the provider is told why', async () => {
  const { world: made, ask, sign, calls } = await provider()
  const before = made.commits()
  const good = await sign()
  const [head = '', payload = '', signature = ''] = good.split('.')
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const foreign = await jose.generateKeyPair('ES256')
  const forged = await new jose.SignJWT(jose.decodeJwt(good))
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(foreign.privateKey)
  const shared = await new jose.SignJWT(jose.decodeJwt(good))
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .sign(Buffer.from('a secret that somebody has guessed, 32 bytes'))
  const nowSeconds = Date.parse('2026-01-31T12:00:00Z') / 1000
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['alg none', `${encode({ alg: 'none' })}.${payload}.`, /not accepted here/],
    [
      'alg none with a signature',
      `${encode({ alg: 'none' })}.${payload}.${signature}`,
      /not accepted/,
    ],
    ['a shared secret', shared, /not accepted here/],
    ['another key', forged, /not accepted here/],
    [
      'a changed claim',
      `${head}.${encode({ ...jose.decodeJwt(good), sub: 'agent_3' })}.${signature}`,
      /not accepted/,
    ],
    ['no JSON', 'eyJ.eyJ.eyJ', /not accepted here/],
    ['two parts', `${head}.${payload}`, /Nobody has this token/],
    ['far too long', `${head}.${payload}.${'A'.repeat(9_000)}`, /Nobody has this token/],
    ['expired', await sign({ exp: nowSeconds - 31 }), /has expired/],
    ['not yet valid', await sign({ nbf: nowSeconds + 31 }), /not valid yet/],
    ['another audience', await sign({ aud: 'elsewhere' }), /another audience/],
    ['another issuer', await sign({ iss: 'https://other.example/' }), /not accepted here/],
    ['no expiry', await sign({ exp: undefined }), /not accepted here/],
    ['no subject', await sign({ sub: undefined }), /not accepted here/],
    ['an agent that is not there', await sign({ sub: 'agent_9' }), /no agent here/],
    ['an operator’s name', await sign({ sub: 'Olga' }), /no agent here/],
    ['a subject like a path', await sign({ sub: '../agent_1' }), /no agent here/],
  ]
  for (const [name, token, says] of cases) {
    const { status, body, text, headers } = await ask(token)
    assert.deepEqual([status, body.code], [401, 'unauthenticated'], `${name}: ${text}`)
    assert.match(body.detail, says, name)
    assert.equal(headers.get('www-authenticate'), 'Bearer realm="quittance"')
    assert.doesNotMatch(text, /ES256|idp\.example|agent_|kid|jwks/i, name)
  }
  assert.equal(made.commits(), before, 'nothing is stored for any of them')
  assert.ok(calls() <= 2, `${calls()} calls`)
  assert.equal((await ask(good)).status, 200)
})

test('a clock may be 30 s away', async () => {
  const { ask, sign } = await provider()
  const nowSeconds = Date.parse('2026-01-31T12:00:00Z') / 1000
  assert.equal((await ask(await sign({ exp: nowSeconds - 29 }))).status, 200)
  assert.equal((await ask(await sign({ nbf: nowSeconds + 29 }))).status, 200)
})

test('a provider that is down: 503 at first, and no matter once its keys are known', async () => {
  const { ask, sign, away, later, calls } = await provider()
  away(true)
  const unknown = await ask(await sign(), 'POST', '/v1/payments')
  assert.deepEqual([unknown.status, unknown.body.code], [503, 'token_keys_unavailable'])
  assert.deepEqual(
    [unknown.body.next_action.type, unknown.body.new_key_allowed],
    ['retry_same_key', false],
  )
  for (let times = 0; times < 20; times += 1) await ask(await sign())
  assert.equal(calls(), 1, 'who asks often does not make us ask often')
  away(false)
  later(11_000)
  assert.equal((await ask(await sign())).status, 200)
  away(true)
  later(3_600_000)
  assert.equal((await ask(await sign())).status, 200, 'known keys go on')
  later(86_400_000)
  assert.equal((await ask(await sign())).status, 503, 'but not for ever')
})

test('a new key of the provider is read when it is first met, and not for each stranger', async () => {
  const { ask, sign, rotate, later, calls } = await provider()
  assert.equal((await ask(await sign())).status, 200)
  const old = await sign()
  await rotate('two')
  later(11_000)
  assert.equal((await ask(await sign())).status, 200)
  assert.equal((await ask(old)).status, 401, 'a key that was withdrawn')
  assert.equal(calls(), 2)
  for (let at = 0; at < 20; at += 1) await ask(await sign({}, { kid: `made-up-${at}` }))
  assert.equal(calls(), 2)
})

test('an answer that is no set of keys, a redirect or an endless one counts as none', async () => {
  const answers: readonly (() => Response)[] = [
    () => new Response(null, { status: 302, headers: { location: 'http://169.254.169.254/' } }),
    () => Response.json({ keys: 'all' }),
    () => Response.json([]),
    () => new Response('<html>'),
    () => new Response('x'.repeat(300_000)),
  ]
  for (const answer of answers) {
    const faults: string[] = []
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      assert.equal(init?.redirect, 'manual')
      return answer()
    }
    const onFault = (why: string): void => void faults.push(why)
    const source = createJwkSource('https://idp.example/jwks', { fetch, onFault })
    assert.deepEqual([await source.keys(), faults.length], [null, 1])
  }
})

test('settings that would let strangers in are refused', () => {
  assert.equal(jwtFault(settings), null)
  assert.equal(jwtFault({ ...settings, jwksUrl: 'http://127.0.0.1:8080/jwks' }), null)
  for (const wrong of [
    { jwksUrl: 'http://idp.example/jwks' },
    { jwksUrl: 'http://localhost.example/jwks' },
    { algorithms: ['none'] },
    { algorithms: ['HS256'] },
    { algorithms: [] },
    { audience: '' },
    { clockToleranceSeconds: 301 },
  ]) {
    assert.notEqual(
      jwtFault({ ...settings, ...wrong } as typeof settings),
      null,
      JSON.stringify(wrong),
    )
  }
})
