// An agent that pays one bill and can be run again at any time: `node examples/agent.ts`, beside
// `quittance start`. In a project of your own, import from 'quittance/client'.
import { createClient } from '../src/client/index.ts'

const [url, token] = [process.env['QUITTANCE_URL'], process.env['QUITTANCE_AGENT_TOKEN']]
const client = createClient({ url: url ?? 'http://127.0.0.1:4020', token: token ?? null })

const bill = { amount: 1999, currency: 'EUR', payee: 'acme supplies', reference: 'INV-1042' }

// The key follows from the bill: asked again, after a crash or by another process, it is the same
// payment. Dropped connections, 5xx and 429 are asked again with it until the deadline.
const asked = await client.pay(bill, { waitSeconds: 20 })

if (!asked.ok) {
  // A refusal. Nothing was claimed, or another payment of this bill exists; `next_action` says which
  // step is right, and that is never a new key.
  const { code, detail, next_action: next } = asked.problem
  console.error(`${code}: ${detail} Next: ${next.type}.`)
  process.exitCode = 1
} else {
  const { id, state, money_moved: moved, next_action: next } = asked.payment
  console.log(`${id} is ${state}; money moved: ${moved}; next: ${next.type}`)
  // `unknown` is not `no`: the service is finding out, and `wait` says what it found.
  if (moved !== 'yes') process.exitCode = 1
}
