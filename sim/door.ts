// The way between the outside and our door: requests and answers get lost, messages of the processor
// come twice, late, in another order, or not at all.
import type { ObjectView } from '../src/core/outcome.ts'
import type { Reply, Request } from './agents.ts'
import type { Faults } from './faults.ts'
import type { Options } from './options.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'
import { tokenOf } from './setting.ts'
import type { Seen } from './witness.ts'

export interface Door {
  /** `null`: no answer came. */
  readonly ask: (request: Request) => Promise<Reply | null>
  /** The processor sends a message about an object. */
  readonly notify: (object: ObjectView, paymentId: string, random: Random) => void
}

export interface DoorWorld {
  readonly schedule: Schedule
  readonly faults: Faults
  readonly options: Options
  readonly see: (seen: Seen) => void
  readonly alive: () => readonly Process[]
}

/** Whoever asks gives up then. */
const patienceMs = 30_000

const bank = 'bank'

export function createDoor(world: DoorWorld, random: Random): Door {
  const { schedule, faults, options, see } = world
  let asks = 0
  let messages = 0

  const ask = (request: Request): Promise<Reply | null> =>
    new Promise((resolve) => {
      asks += 1
      const number = asks
      const { who, account, method, path, key, bill } = request
      const body = request.body === null ? null : JSON.stringify(request.body)
      const atMs = schedule.nowMs()
      see({ see: 'asked', atMs, ask: number, who, account, method, path, key, body, bill })
      schedule.later(patienceMs, () => resolve(null))
      const isLost = faults.strikes('request to us lost', options.rates.doorLost / 2)
      const arrive = async (): Promise<void> => {
        const alive = world.alive()
        if (alive.length === 0 || isLost) return
        const reply = await read(random.pick(alive), request, body, number)
        if (faults.strikes('answer of ours lost', options.rates.doorLost / 2)) return
        schedule.later(random.whole(1, 30), () => {
          see({ see: 'answered', atMs: schedule.nowMs(), ask: number, ...reply })
          resolve(reply)
        })
      }
      // Not waited for: other things happen while it is answered.
      schedule.later(random.whole(1, 30), () => void arrive())
    })

  const notify: Door['notify'] = (object, paymentId, post) => {
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
      const inMs = post.pick([5, 100, 3_000, 60_000, 4_000_000])
      schedule.later(inMs, () => void ask(message as Request)) // the literal's own type is wider
    }
  }
  return { ask, notify }
}

async function read(
  process: Process,
  { method, key, who, path, version = null }: Request,
  body: string | null,
  number: number,
): Promise<Reply> {
  const hex = number.toString(16).padStart(16, '0')
  const response = await process.ask(path, {
    method,
    body,
    headers: {
      'request-id': `req_${number}`,
      traceparent: `00-${hex}${hex}-${hex}-01`,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...(who === bank ? {} : { authorization: `Bearer ${tokenOf(who)}` }),
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(version === null ? {} : { 'if-match': String(version) }),
    },
  })
  const text = await response.text()
  // Our own door answers with a JSON object.
  return { status: response.status, body: JSON.parse(text === '' ? '{}' : text) as Reply['body'] }
}
