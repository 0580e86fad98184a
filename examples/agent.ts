// An agent that pays one bill, loses its memory, and asks again in other words. Beside `npm start`, in a
// checkout:
//
//   FILE=.quittance/tokens.json
//   export QUITTANCE_AGENT_TOKEN=$(node -p "JSON.parse(fs.readFileSync('$FILE')).agentToken")
//   npx node examples/agent.ts
//
// `npx node` is the Node 24 of this checkout. In a project of your own, import from 'quittance/client'. It
// can be run again at any time, and exits non-zero where something is not as it says.
import assert from 'node:assert/strict'

import { createAgentClient } from '../src/client/index.ts'
import { settings } from './settings.ts'

const bill = { amount: 1999, currency: 'EUR', payee: 'acme supplies', reference: 'INV-1042' }

// The key follows from the bill. Dropped connections, 5xx and 429 are asked again with it, `wait` is
// waited for, and nothing is written down here.
const client = createAgentClient(settings)
const first = await client.complete(bill)

// `unknown` is not `not_paid`: the service is finding out, and the same call again says what it found.
assert.equal(first.outcome, 'paid', JSON.stringify(first))
console.log(`${first.payment.id} is ${first.payment.state}`)

// After a crash, on another machine, by an agent that remembers the bill and nothing else.
const afterwards = createAgentClient(settings)
const again = await afterwards.complete({ ...bill, description: 'did I pay this one?' })
assert.ok(again.outcome === 'paid' && again.payment.id === first.payment.id)
console.log('asked again in other words: the same payment')

// The receipt can be checked without the service: `quittance receipts verify`.
const receipt = await client.receipt(first.payment.id)
assert.ok(receipt.ok && receipt.receipt.claims['amount_captured'] === bill.amount)
console.log(`receipt signed with ${receipt.receipt.kid}`)
