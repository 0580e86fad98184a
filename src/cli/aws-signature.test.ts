// AWS's own example of the signature ("get-vanilla" of its test suite), and what our requests add to it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isForIam, regionOf, signatureOf, signingFetch } from './aws-signature.ts'

const example = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
  region: 'us-east-1',
}
const atMs = Date.parse('2015-08-30T12:36:00Z')

function signature(path: string): string {
  const url = new URL(`https://example.amazonaws.com${path}`)
  const request = { method: 'GET', url, headers: {}, body: '' }
  const { authorization = '' } = signatureOf(request, example, atMs, 'service')
  return authorization
}

test('the example of the documentation comes out to the letter', () => {
  assert.equal(
    signature('/'),
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      'SignedHeaders=host;x-amz-date, ' +
      'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  )
})

test('the order of a query does not matter, its words do', () => {
  assert.equal(signature('/?b=2&a=1'), signature('/?a=1&b=2'))
  assert.notEqual(signature('/?a=1'), signature('/?a=2'))
})

test('what is sent is what was signed: key, body and session are among it', async () => {
  const sent: { url: string; headers: Record<string, string>; body: unknown }[] = []
  const send: typeof globalThis.fetch = async (input, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers))
    const url = input instanceof Request ? input.url : new URL(input).href
    sent.push({ url, headers, body: init?.body })
    return new Response('{}')
  }
  const identity = { ...example, sessionToken: 'session' }
  const ask = async (body: string): Promise<string> => {
    await signingFetch(
      identity,
      () => atMs,
      send,
    )('https://api.test/main/aws/v1/stop', {
      method: 'POST',
      headers: { 'Idempotency-Key': 'k1', 'content-type': 'application/json' },
      body,
    })
    return sent.at(-1)?.headers['authorization'] ?? ''
  }
  const [one, other] = [await ask('{"reason":"a"}'), await ask('{"reason":"b"}')]
  assert.match(
    one,
    /SignedHeaders=content-type;host;idempotency-key;x-amz-date;x-amz-security-token, /,
  )
  assert.notEqual(one, other)
  assert.equal(sent[0]?.headers['x-amz-security-token'], 'session')
  assert.equal(sent[0]?.body, '{"reason":"a"}')
})

test('the region stands in the gateway’s own name, and not in a name of one’s own', () => {
  assert.equal(regionOf('https://abc.execute-api.eu-west-1.amazonaws.com/main/aws'), 'eu-west-1')
  assert.equal(regionOf('https://pay.example.com/aws'), null)
  assert.deepEqual(
    [
      'https://a.test/main/aws',
      'https://a.test/aws/',
      'https://a.test/aws/v1',
      'https://aws.test/',
    ].map(isForIam),
    [true, true, false, false],
  )
})
