// The processor of the bench: speaks the simulated processor's wire, answers at once, keeps what it
// must in memory, and settles with the capture. Faults, webhooks and a durable ledger are the simulator's.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Charge {
  readonly id: string
  readonly reference: string
  readonly amount: number
  readonly currency: string
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: string
  captured: boolean
}

/** More than are ever open at once; what is older is forgotten, as nobody asks for it any more. */
const maxCharges = 400_000

const charges = new Map<string, Charge>()
let answered = 0

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => reply(request, response, Buffer.concat(chunks).toString()))
})

function reply(request: IncomingMessage, response: ServerResponse, body: string): void {
  answered += 1
  const found = find(request.method ?? '', request.url ?? '', body)
  const text = JSON.stringify(found ?? { error: { type: 'invalid_request', code: 'not_found' } })
  response.writeHead(found === null ? 404 : 200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'request-id': `req_${answered}`,
  })
  response.end(text)
}

function find(method: string, url: string, body: string): unknown {
  if (method === 'POST' && url === '/v1/charges') return show(authorise(body))
  const [, id, act] = /^\/v1\/charges\/([^/?]+)(?:\/(\w+))?$/.exec(url) ?? []
  if (id === undefined) return read(url)
  const charge = charges.get(id)
  if (charge === undefined) return null
  if (act === 'capture') charge.captured = true
  return show(charge)
}

function read(url: string): unknown {
  if (url === '/v1/account') return { id: 'acct_bench', livemode: false }
  if (!url.startsWith('/v1/charges?')) return null
  // Whoever looks for objects of its own finds none: a start asks for what its store does not know.
  return { object: 'list', data: [], has_more: false, next_cursor: null }
}

function authorise(body: string): Charge {
  // Only our own adapter writes to it.
  const asked = JSON.parse(body) as Pick<Charge, 'reference' | 'amount' | 'currency' | 'metadata'>
  const { reference, amount, currency, metadata } = asked
  const id = `ch_${answered}`
  const createdAt = new Date().toISOString()
  const charge = { id, reference, amount, currency, metadata, createdAt, captured: false }
  charges.set(id, charge)
  if (charges.size > maxCharges)
    for (const oldest of charges.keys()) {
      charges.delete(oldest)
      break
    }
  return charge
}

function show({ captured, createdAt, ...charge }: Charge): unknown {
  return {
    object: 'charge',
    ...charge,
    status: captured ? 'captured' : 'authorised',
    amount_captured: captured ? charge.amount : 0,
    amount_reversed: 0,
    decline_code: null,
    action_url: null,
    authorisation_expires_at: captured ? null : '2099-01-01T00:00:00.000Z',
    created_at: createdAt,
    settlement: captured ? { id: 'set_bench', settled_at: createdAt, fee: 30 } : null,
    refunds: [],
  }
}

server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
process.stdout.write(`listening on http://127.0.0.1:${port}\n`)
const end = (): never => process.exit(0)
process.once('SIGTERM', end)
process.stdin.once('end', end).resume()
