// What the gateway says before anything of ours is asked, and who may use which route.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

import type { Setting } from './setting.ts'

type Given = () => Setting

export function door(given: Given): void {
  const ask = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<{ readonly status: number; readonly code: unknown; readonly type: string | null }> => {
    const response = await fetch(`${given().world.url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const { code } = (await response.json()) as { readonly code?: string }
    return { status: response.status, code, type: response.headers.get('content-type') }
  }
  const bearer = (): Record<string, string> => ({
    authorization: `Bearer ${given().people.agentToken}`,
    'content-type': 'application/json',
  })

  test('who is nobody is told so, in the form of all problems', async () => {
    const problem = 'application/problem+json'
    assert.deepEqual(await ask('GET', '/v1/payments'), {
      status: 401,
      code: 'unauthenticated',
      type: problem,
    })
    const stranger = await ask('GET', '/v1/payments', { authorization: 'Bearer nobody' })
    assert.ok([401, 403].includes(stranger.status), JSON.stringify(stranger))
  })

  test('a POST without a key is refused by the gateway, with its own code', async () => {
    const { status, code } = await ask('POST', '/v1/payments', bearer(), '{}')
    assert.deepEqual([status, code], [400, 'idempotency_key_missing'])
  })

  test('a body with faults is refused by the app, and nothing is stored', async () => {
    const headers = { ...bearer(), 'idempotency-key': 'suite-faulty' }
    const { status, code } = await ask('POST', '/v1/payments', headers, '{"amount":1.5}')
    assert.deepEqual([status, code], [400, 'invalid_request'])
  })

  test('a route that is not there is 404', async () => {
    assert.equal((await ask('GET', '/v2/payments', bearer())).status, 404)
  })

  test('an agent may not use the operators’ routes, by token or by AWS identity', async () => {
    assert.equal((await ask('GET', '/v1/dead-letters', bearer())).status, 403)
    const response = await given().people.ask('PaymentsAgentPolicy', 'GET', '/v1/dead-letters')
    assert.equal(response.status, 403)
  })

  test('every route with AWS identity lets those in whom a policy names, and nobody else', async () => {
    const { gateway } = given().world
    const routes = gateway.routes.filter(({ authorisation }) => authorisation === 'AWS_IAM')
    assert.ok(routes.length > 20)
    for (const { method, path } of routes) {
      const own = path.replace(/^\/aws/, '').replaceAll(/\{\w+\}/g, 'none')
      const answers = await Promise.all(
        (['PaymentsAgentPolicy', 'PaymentsOperatorPolicy'] as const).map(async (policy) => {
          const how =
            method === 'GET' ? {} : { body: {}, headers: { 'idempotency-key': `suite-${own}` } }
          return (await given().people.ask(policy, method, own, how)).status
        }),
      )
      assert.ok(
        answers.some((status) => status !== 403),
        `${method} ${own}: ${answers.join(', ')}`,
      )
    }
  })

  test('the command line signs its requests below /aws, and says what is missing', async () => {
    const { world } = given()
    const listed = await quittance(['dead-letters', 'list', '--json'], {
      QUITTANCE_URL: `${world.url}/aws`,
      AWS_ACCESS_KEY_ID: world.accessKeyWith('PaymentsOperatorPolicy'),
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_REGION: 'us-east-1',
    })
    assert.equal(listed.code, 0, listed.output)
    const nobody = await quittance(['dead-letters', 'list'], { QUITTANCE_URL: `${world.url}/aws` })
    assert.equal(nobody.code, 2, nobody.output)
    assert.match(nobody.output, /AWS_ACCESS_KEY_ID/)
  })
}

async function quittance(
  words: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly output: string }> {
  const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts')
  const env = { PATH: process.env['PATH'], ...settings }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...words], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
    )
  })
}
