// The way between the outside and our door: requests and answers get lost, messages of the processor
// come twice, late, in another order, or not at all.
import type { ObjectView } from '../src/core/outcome.ts'
import type { Reply, Request } from './agents.ts'
import type { Faults } from './faults.ts'
import type { Options } from './options.ts'
import type { Process } from './process.ts'
import { streamsOf } from './random.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'
import { tokenOf } from './setting.ts'
import type { Seen } from './witness.ts'

export interface Door {
  /** `null`: no answer came. */
  readonly ask: (request: Request) => Promise<Reply | null>
  /** What agents asked, by bill and number, in order. */
  readonly requests: readonly string[]
  /** The processor sends a message about an object. */
  readonly notify: (object: ObjectView, paymentId: string) => void
}

export interface DoorWorld {
  readonly schedule: Schedule
  readonly faults: Faults
  readonly options: Options
  readonly see: (seen: Seen) => void
  readonly alive: () => readonly Process[]
  /** Requests that are not made this time. */
  readonly leftOut: ReadonlySet<string>
}

/** Whoever asks gives up then. */
const patienceMs = 30_000

const bank = 'bank'

export function createDoor(world: DoorWorld, random: Random): Door {
  const { schedule, faults, options, see } = world
  const ways = streamsOf(random.fork('ways'))
  const posts = streamsOf(random.fork('posts'))
  const requests: string[] = []
  const ofBill = new Map<string, number>()
  let asks = 0
  let messages = 0

  /** Is it made, or is it one of those that a story is told without? */
  const isMade = ({ who, bill, method, path }: Request): boolean => {
    if (bill === null) return true
    const number = (ofBill.get(bill) ?? 0) + 1
    ofBill.set(bill, number)
    const name = `${who} asks ${method} ${path} for ${bill}#${number}`
    if (world.leftOut.has(name)) return false
    requests.push(name)
    return true
  }

  const ask = (request: Request): Promise<Reply | null> =>
    new Promise((resolve) => {
      schedule.later(patienceMs, () => resolve(null))
      if (!isMade(request)) return
      asks += 1
      const number = asks
      const { who, account, method, path, key, bill } = request
      const body = request.body === null ? null : JSON.stringify(request.body)
      const atMs = schedule.nowMs()
      see({ see: 'asked', atMs, ask: number, who, account, method, path, key, body, bill })
      const own = ways(schedule.about())
      const lost = options.rates.doorLost / 2
      const isLost = faults.strikes('request to us lost', lost)
      const arrive = async (): Promise<void> => {
        const alive = world.alive()
        if (alive.length === 0 || isLost) return
        const reply = await read(own.pick(alive), request, body, number)
        if (faults.strikes('answer of ours lost', lost)) return
        schedule.later(own.whole(1, options.doorMs), () => {
          see({ see: 'answered', atMs: schedule.nowMs(), ask: number, ...reply })
          resolve(reply)
        })
      }
      // Not waited for: other things happen while it is answered.
      schedule.later(own.whole(1, options.doorMs), () => void arrive())
    })

  const notify: Door['notify'] = (object, paymentId) => {
    messages += 1
    const body = { eventId: `evt_${messages}`, paymentId, attemptId: object.attemptId, object }
    if (faults.strikes('webhook lost', options.rates.webhookLost)) return
    const copies = faults.strikes('webhook twice', options.rates.webhookTwice) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      const path = `/webhooks/${bank}`
      const message = {
        who: bank,
        account: null,
        method: 'POST',
        path,
        key: null,
        body,
        bill: null,
      }
      const inMs = posts(schedule.about()).pick([5, 100, 3_000, 60_000, 4_000_000])
      schedule.later(inMs, () => void ask(message as Request)) // the literal's own type is wider
    }
  }
  return { ask, notify, requests }
}

async function read(
  process: Process,
  { method, key, who, path, version = null }: Request,
  body: string | null,
  number: number,
): Promise<Reply> {
  const hex = number.toString(16).padStart(16, '0')
  const response = await process.ask(
    requestOf(method, path, body, {
      'request-id': `req_${number}`,
      traceparent: `00-${hex}${hex}-${hex}-01`,
      ...(who === bank ? {} : { authorization: `Bearer ${tokenOf(who)}` }),
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(version === null ? {} : { 'if-match': String(version) }),
    }),
  )
  const text = await response.text()
  // Our own door answers with a JSON object.
  return { status: response.status, body: JSON.parse(text === '' ? '{}' : text) as Reply['body'] }
}

/** As the service's listener hands it over: what is not asked for is never made. */
function requestOf(
  method: string,
  path: string,
  body: string | null,
  headers: Readonly<Record<string, string>>,
): globalThis.Request {
  const bytes = new TextEncoder().encode(body ?? '')
  const length = String(bytes.byteLength)
  const json = { 'content-type': 'application/json', 'content-length': length }
  const request = {
    method,
    url: `http://quittance${path}`,
    headers: new Headers(body === null ? headers : { ...headers, ...json }),
    body: null,
    arrayBuffer: async () => bytes,
  }
  return request as unknown as globalThis.Request // more of it is never read; it would be told as a bug
}
