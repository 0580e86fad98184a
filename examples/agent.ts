// An agent that pays one bill and can be run again at any time. Beside `npm start`, in a checkout:
//
//   FILE=.quittance/tokens.json
//   export QUITTANCE_AGENT_TOKEN=$(node -p "JSON.parse(fs.readFileSync('$FILE')).agentToken")
//   npx node examples/agent.ts
//
// `npx node` is the Node 24 of this checkout. In a project of your own, import from 'quittance/client'.
import { createClient } from '../src/client/index.ts'
import type { Payment } from '../src/client/index.ts'

const [url, token] = [process.env['QUITTANCE_URL'], process.env['QUITTANCE_AGENT_TOKEN']]
if (token === undefined) {
  console.error(
    'Set QUITTANCE_AGENT_TOKEN to the agent’s token; `npm start` keeps it in tokens.json.',
  )
  process.exit(2)
}
const client = createClient({ url: url ?? 'http://127.0.0.1:4020', token })

const bill = { amount: 1999, currency: 'EUR', payee: 'acme supplies', reference: 'INV-1042' }

// The key follows from the bill: asked again, after a crash or by another process, it is the same
// payment. Dropped connections, 5xx and 429 are asked again with it until the deadline.
const asked = await client.pay(bill, { waitSeconds: 20 })
const payment = asked.ok ? asked.payment : await paymentOfThisBill(asked.problem.existing_payment)

if (payment !== null) {
  const { id, state, money_moved: moved, next_action: next } = payment
  console.log(`${id} is ${state}; money moved: ${moved}; next: ${next.type}`)
  // `unknown` is not `no`: the service is finding out, and `wait` says what it found.
  if (moved !== 'yes') process.exitCode = 1
} else if (!asked.ok) {
  // A refusal. `next_action` says which step is right, and that is never a new key.
  const { code, detail, next_action: next } = asked.problem
  console.error(`${code}: ${detail} Next: ${next.type}.`)
  process.exitCode = 1
}

// Somebody asked for this bill before, under another key or in other words: a payment of the same bill
// and amount is this bill's payment. A payment that only looks like it is not.
async function paymentOfThisBill(existing: { readonly id: string } | undefined) {
  if (existing === undefined) return null
  const got = await client.wait(existing.id, { deadlineMs: 20_000 })
  return got.ok && isThisBill(got.payment) ? got.payment : null
}

function isThisBill({ amount, currency, payee, reference }: Payment): boolean {
  return (
    amount === bill.amount &&
    currency === bill.currency &&
    payee === bill.payee &&
    reference === bill.reference
  )
}
