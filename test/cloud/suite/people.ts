// Who uses the service: an operator who comes with AWS identity and makes the agents, as after a
// deployment. Written straight into the table, as no route makes them yet: an operator with a token, and an
// agent with a mandate.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

import { createClient } from '../../../src/client/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { addAgent, addOperator } from '../../../src/engine/identity.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { randomIds } from '../../../src/engine/system.ts'
import { openDynamoStore } from '../../../src/stores/dynamodb/store.ts'
import type { DynamoStore } from '../../../src/stores/dynamodb/store.ts'
import type { World } from '../world.ts'

export interface People {
  readonly agentToken: string
  readonly operator: Client
  /** Another agent of the same account. */
  readonly colleague: Client
  /** Its payments above EUR 50 wait for a person. */
  readonly bound: Client
  /** A client that signs with an access key whose owner has this policy. */
  readonly signing: (policy: Policy) => Client
  /** Looks into the table itself, past every door and count. */
  readonly glance: (paymentId: string) => Promise<Glance>
  /** With an operator's token. */
  readonly operate: (method: string, path: string, how?: How) => Promise<Response>
  /** With AWS identity. */
  readonly ask: (policy: Policy, method: string, path: string, how?: How) => Promise<Response>
}

export interface Glance {
  readonly version: number
  readonly state: string
  readonly holds: readonly string[]
}

type Policy = 'PaymentsAgentPolicy' | 'PaymentsOperatorPolicy'

interface How {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const boundToken = 'qt_agent_bound_local_run_0123456789'
const operatorToken = 'qt_operator_local_run_0123456789'

export async function addPeople(world: World): Promise<People> {
  const signing: People['signing'] = (policy) => signingClient(world, world.accessKeyWith(policy))
  const store = storeOf(world)
  await addFirst(store)
  const operator = signing('PaymentsOperatorPolicy')
  const tokenOf = async (id: string): Promise<string> => {
    const added = await operator.addAgent({ id, account: 'default', name: id })
    if (!added.ok) throw new Error(`${id} cannot be added: ${JSON.stringify(added)}`)
    return added.agent.token
  }
  const agentToken = await tokenOf('agent_first')
  const colleagueToken = await tokenOf('agent_second')
  return {
    agentToken,
    operator,
    colleague: createClient({ url: world.url, token: colleagueToken }),
    bound: createClient({ url: world.url, token: boundToken }),
    signing,
    glance: async (paymentId) => {
      const [row] = await store.read([{ table: 'payment', key: paymentId }])
      if (row === null) throw new Error(`there is no ${paymentId}`)
      const { state, holds } = row.value.payment
      return { version: row.version, state, holds: holds.map(({ reason }) => reason) }
    },
    operate: async (method, path, how) =>
      send(`${world.url}${path}`, `Bearer ${operatorToken}`, method, how),
    ask: async (policy, method, path, how) =>
      send(`${world.url}/aws${path}`, signatureOf(world.accessKeyWith(policy)), method, how),
  }
}

async function send(
  url: string,
  authorization: string,
  method: string,
  { body, headers = {} }: How = {},
): Promise<Response> {
  return fetch(url, {
    method,
    headers: { 'content-type': 'application/json', authorization, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** The signature itself is nobody's to check here. */
const signatureOf = (accessKey: string): string =>
  `AWS4-HMAC-SHA256 Credential=${accessKey}/20260101/us-east-1/execute-api/aws4_request, ` +
  'SignedHeaders=host, Signature=local'

function signingClient(world: World, accessKey: string): Client {
  const authorization = signatureOf(accessKey)
  return createClient({
    url: `${world.url}/aws`,
    token: null,
    fetch: async (input, init) =>
      fetch(input, { ...init, headers: { ...(init?.headers as object), authorization } }),
  })
}

function storeOf(world: World): DynamoStore {
  return openDynamoStore({
    client: new DynamoDBClient({
      endpoint: world.database.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
    table: world.output('PaymentsTableName'),
  })
}

async function addFirst(store: DynamoStore): Promise<void> {
  const limits = { EUR: { perPayment: null, perDay: null, approvalAbove: 5_000 } }
  const agent = { id: 'agent_bound', account: 'bound', name: 'bound', suspended: false }
  // Adding somebody needs only these of the engine.
  const engine = { store, ids: randomIds, time: { nowMs: Date.now } } as unknown as Engine
  const isAdded = await addAgent(engine, { ...agent, mandate: { version: 1, limits } }, boundToken)
  if (!isAdded || !(await addOperator(engine, 'operator', operatorToken))) {
    throw new Error('the first people cannot be added')
  }
}
