// How long the first call of each function on AWS takes, in a fresh process of this machine: reading the
// bundle, and the first invocation up to its answer, with AWS next door and empty. A comparison of our
// own bundles and no promise: Lambda's CPU share, its disk and its network are others.
//
// `node infra/bundle.ts` makes the bundles.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { environment } from '../test/aws-world.ts'

const names = [
  'authorise',
  'intake',
  'relay',
  'dispatch',
  'step',
  'sweep',
  'redrive',
  'alerts',
] as const
type Name = (typeof names)[number]

const rounds = 7
const run = promisify(execFile)

const pathOf = (name: Name): string =>
  join(import.meta.dirname, '..', 'infra', 'build', name, 'index.mjs')

const id = 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6'
const asked = { methodArn: 'arn', httpMethod: 'GET', resource: '/v1/payments' }
const work = { payment_id: id, run: 1, processor: 'model', seq: null }

/** An event that each function has something to do with. */
const events: Readonly<Record<Name, unknown>> = {
  authorise: { ...asked, headers: { authorization: 'Bearer a-token-of-nobody' } },
  intake: {
    httpMethod: 'GET',
    path: `/v1/payments/${id}`,
    multiValueHeaders: {},
    multiValueQueryStringParameters: null,
    body: null,
    isBase64Encoded: false,
    requestContext: { authorizer: { role: 'agent', agent: 'a', account: 'b' } },
  },
  relay: { Records: [] },
  dispatch: { Records: [{ messageId: '1', body: JSON.stringify(work) }] },
  step: { task: 'Validate', paymentId: id, run: 1 },
  sweep: {},
  redrive: {},
  alerts: { detail: { payment_id: id, seq: 1 } },
}

/** Every service of AWS, with nothing in it. */
function emptyAws() {
  const answers: Readonly<Record<string, object>> = {
    'secretsmanager.GetSecretValue': { SecretString: 'sim_test_key' },
    'DynamoDB_20120810.TransactGetItems': { Responses: [{}, {}, {}, {}, {}] },
    'DynamoDB_20120810.Query': { Items: [], Count: 0 },
    'DynamoDB_20120810.BatchGetItem': { Responses: {}, UnprocessedKeys: {} },
  }
  return createServer((request, response) => {
    const target = String(request.headers['x-amz-target'] ?? '')
    const isAccount = request.url === '/v1/account'
    request.resume()
    response.setHeader('content-type', 'application/x-amz-json-1.0')
    response.end(JSON.stringify(isAccount ? { id: 'a', livemode: false } : (answers[target] ?? {})))
  })
}

// Written out, because the process has to be a fresh one.
const child = `
const started = performance.now()
const { handler } = await import(process.argv[1])
const read = performance.now()
const ended = await handler(JSON.parse(process.argv[2]), { getRemainingTimeInMillis: () => 30000 })
  .then(() => 'answered', (error) => error.name + ': ' + error.message)
const called = performance.now()
process.stderr.write(JSON.stringify({ readMs: read - started, callMs: called - read, ended }) + '\\n')
process.exit(0)
`

interface Measured {
  readonly readMs: number
  readonly callMs: number
  readonly ended: string
}

async function measure(name: Name, url: string): Promise<Measured> {
  const processors = { kind: 'simulated', url, account: { id: 'a', livemode: false } }
  const env = {
    ...environment,
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'none',
    AWS_SECRET_ACCESS_KEY: 'none',
    QUITTANCE_AGENT_RATE: 'off',
    QUITTANCE_BUS: 'bus',
    QUITTANCE_EPOCH: '1',
    QUITTANCE_IAM_CALLERS: '[]',
    QUITTANCE_PROCESSORS: JSON.stringify({ model: processors }),
    QUITTANCE_PROCESSOR_SECRET_ARN: 'arn',
    QUITTANCE_STATE_MACHINES: JSON.stringify({
      model: 'arn:aws:states:us-east-1:1:stateMachine:m',
    }),
    QUITTANCE_WEBHOOK_SECRET_ARNS: '{}',
    QUITTANCE_WORK_QUEUE_URL: `${url}/queue`,
  }
  const args = ['--input-type=module', '-e', child, pathToFileURL(pathOf(name)).href]
  const { stderr } = await run(process.execPath, [...args, JSON.stringify(events[name])], { env })
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Measured // written above
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const missing = names.filter((name) => !existsSync(pathOf(name)))
if (missing.length > 0) {
  console.error(
    `There are no bundles of ${missing.join(', ')}: run \`node infra/bundle.ts\` first.`,
  )
  process.exitCode = 1
} else {
  const server = emptyAws().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const name of names) {
    const all: Measured[] = []
    for (let round = 0; round < rounds; round += 1) all.push(await measure(name, url))
    const [readMs, callMs] = [
      median(all.map((each) => each.readMs)),
      median(all.map((each) => each.callMs)),
    ]
    const size = `${Math.round(statSync(pathOf(name)).size / 1000)} kB`
    const times = `read ${readMs.toFixed(0)} ms, first call ${callMs.toFixed(0)} ms`
    console.log(`${name.padEnd(10)} ${size.padStart(7)}  ${times}  (${all[0]?.ended})`)
  }
  server.close()
  server.closeAllConnections()
}
