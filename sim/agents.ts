// The agents of this world. Most of them behave badly: they ask in parallel, change their mind, make
// new keys, word one bill in two ways, give up, and come back after days. One does as it is told.
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'
import type { Bill } from './witness.ts'

/** What came back; `null`: nothing did. */
export interface Reply {
  readonly status: number
  // What our own door answers: read with care, as an agent would.
  readonly body: Readonly<Record<string, unknown>>
}

export interface Request {
  readonly who: string
  readonly account: string | null
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly key: string | null
  readonly body: Readonly<Record<string, unknown>> | null
  readonly bill: string | null
  /** For `If-Match`. */
  readonly version?: number | null
}

export interface AgentWorld {
  readonly schedule: Schedule
  readonly ask: (request: Request) => Promise<Reply | null>
}

export interface Errand {
  readonly bill: Bill
  readonly agent: string
  readonly habit: string
  readonly random: Random
  readonly capture: 'automatic' | 'manual'
  /** A batch says that its bills are distinct, although they look alike. */
  readonly batch: string | null
}

type Habit = (world: AgentWorld, errand: Errand) => Promise<void>

const sleep = ({ schedule }: AgentWorld, ms: number): Promise<void> =>
  new Promise((resolve) => schedule.later(ms, resolve))

const pay = (
  world: AgentWorld,
  { bill, agent, capture, batch }: Errand,
  key: string,
  change: Readonly<Record<string, unknown>> = {},
): Promise<Reply | null> => {
  const { payee, reference, amount, currency } = bill
  const own = batch === null ? {} : { batch }
  const body = { payee, reference, amount, currency, capture, ...own, ...change }
  const path = '/v1/payments'
  return world.ask({
    who: agent,
    account: bill.account,
    method: 'POST',
    path,
    key,
    body,
    bill: bill.id,
  })
}

const act = (
  world: AgentWorld,
  { bill, agent }: Errand,
  id: string,
  what: string,
  key: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Reply | null> =>
  world.ask({
    who: agent,
    account: bill.account,
    method: 'POST',
    path: `/v1/payments/${id}/${what}`,
    key,
    body,
    bill: bill.id,
  })

const look = (world: AgentWorld, { bill, agent }: Errand, id: string): Promise<Reply | null> =>
  world.ask({
    who: agent,
    account: bill.account,
    method: 'GET',
    path: `/v1/payments/${id}`,
    key: null,
    body: null,
    bill: bill.id,
  })

const idIn = (reply: Reply | null): string | null => {
  const id = reply !== null && reply.body['object'] === 'payment' ? reply.body['id'] : null
  return typeof id === 'string' ? id : null
}

const adviceIn = (reply: Reply | null): string => {
  const next = reply?.body['next_action']
  const type = typeof next === 'object' && next !== null && 'type' in next ? next.type : null
  return typeof type === 'string' ? type : 'retry_same_key'
}

/** The same key, the same body, until somebody answers what it was asked for. */
async function insist(
  world: AgentWorld,
  errand: Errand,
  key: string,
  change: Readonly<Record<string, unknown>> = {},
  tries = 40,
): Promise<Reply | null> {
  let reply: Reply | null = null
  for (let count = 0; count < tries; count += 1) {
    reply = await pay(world, errand, key, change)
    if (reply !== null && adviceIn(reply) !== 'retry_same_key') return reply
    await sleep(world, errand.random.whole(100, 5_000) * (count < 10 ? 1 : 60))
  }
  return reply
}

/** Looks until there is nothing to wait for. */
async function follow(world: AgentWorld, errand: Errand, id: string): Promise<Reply | null> {
  let last: Reply | null = null
  for (let count = 0; count < 40; count += 1) {
    const reply = await look(world, errand, id)
    if (reply !== null && reply.status === 200) {
      last = reply
      if (adviceIn(reply) !== 'wait') return reply
    }
    await sleep(world, Math.min(3_600_000, 1_000 * 3 ** Math.min(count, 10)))
  }
  return last
}

const patient: Habit = async (world, errand) => {
  const id = idIn(await insist(world, errand, `${errand.bill.id}-key`))
  if (id !== null) await follow(world, errand, id)
}

const hasty: Habit = async (world, errand) => {
  const { random, bill } = errand
  const tries = Array.from({ length: random.whole(2, 5) }, async () => {
    await sleep(world, random.whole(0, 300))
    return insist(world, errand, `${bill.id}-key`)
  })
  await Promise.all(tries)
}

/** Plans anew at every doubt: another key for the same bill. */
const replanner: Habit = async (world, errand) => {
  const { random, bill } = errand
  for (let plan = 0; plan < random.whole(2, 6); plan += 1) {
    await pay(world, errand, `${bill.id}-plan-${plan}`)
    await sleep(world, random.pick([0, 50, 1_000, 30_000, 700_000, 90_000_000]))
  }
}

/** The same bill in other words: capitals, spaces, and another amount of zeros. */
const paraphraser: Habit = async (world, errand) => {
  const { random, bill } = errand
  const { reference, payee } = bill
  const words = [
    { reference },
    { reference: reference.toLowerCase() },
    { reference: ` ${reference} `, payee: payee.toUpperCase() },
    { reference: `Invoice ${reference}` },
  ]
  for (const [index, change] of words.entries()) {
    await pay(world, errand, `${bill.id}-words-${index}`, change)
    await sleep(world, random.pick([0, 100, 2_000]))
  }
}

const confused: Habit = async (world, errand) => {
  const { random, bill } = errand
  const key = `${bill.id}-key`
  await Promise.all([
    pay(world, errand, key),
    pay(world, errand, key, { amount: bill.amount + 1 }),
    pay(world, errand, key, { reference: `${bill.reference}-b` }),
  ])
  await sleep(world, random.whole(0, 2_000))
  await insist(world, errand, key)
}

const quitter: Habit = async (world, errand) => {
  await pay(world, errand, `${errand.bill.id}-key`)
}

const returner: Habit = async (world, errand) => {
  const { random, bill } = errand
  await pay(world, errand, `${bill.id}-key`)
  await sleep(world, random.pick([3_700_000, 90_000_000, 200_000_000]))
  await insist(world, errand, `${bill.id}-key`)
}

/** Voids in the middle of it, and then wants it after all. */
const canceller: Habit = async (world, errand) => {
  const { random, bill } = errand
  const id = idIn(await insist(world, errand, `${bill.id}-key`, {}, 5))
  if (id === null) return
  await sleep(world, random.pick([0, 20, 200, 2_000, 20_000]))
  for (let count = 0; count < 3; count += 1) {
    const told = await act(world, errand, id, 'void', `${bill.id}-void`, { reason: 'not needed' })
    if (told !== null) break
  }
  if (random.chance(0.5)) return
  const after = await follow(world, errand, id)
  if (after?.body['new_key_allowed'] !== true) return
  const retried = await insist(world, errand, `${bill.id}-again`, { retry_of: id }, 5)
  const second = idIn(retried)
  if (second !== null) await follow(world, errand, second)
}

/** Does exactly what each answer says, for as long as it says something. */
const obedient: Habit = async (world, errand) => {
  const { bill } = errand
  let change: Readonly<Record<string, unknown>> = {}
  for (let round = 0; round < 5; round += 1) {
    const reply = await insist(world, errand, `${bill.id}-round-${round}`, change)
    const existing = reply?.body['existing_payment']
    const known =
      typeof existing === 'object' && existing !== null && 'id' in existing ? existing.id : null
    const id = idIn(reply) ?? (typeof known === 'string' ? known : null)
    if (id === null) return
    const seen = await follow(world, errand, id)
    if (seen === null || seen.body['money_moved'] === 'yes') return
    if (seen.body['new_key_allowed'] !== true) return
    change = { retry_of: id }
  }
}

/** Two agents of one account are given the same bill. */
const twins: Habit = async (world, errand) => {
  const { random, bill } = errand
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      await sleep(world, random.whole(0, 20))
      await insist(world, errand, `${bill.id}-${name}`, {}, 3)
    }),
  )
}

/** Retries a payment that has ended without money, from two sides at once. */
const retrier: Habit = async (world, errand) => {
  const { bill } = errand
  const id = idIn(await insist(world, errand, `${bill.id}-key`))
  if (id === null) return
  await follow(world, errand, id)
  await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      insist(world, errand, `${bill.id}-retry-${name}`, { retry_of: id }, 3),
    ),
  )
}

/** Captures by hand, a part of it or all, and asks twice; or forgets it, until it lapses. */
const capturer: Habit = async (world, errand) => {
  const { random, bill } = errand
  const id = idIn(await insist(world, errand, `${bill.id}-key`))
  if (id === null) return
  await follow(world, errand, id)
  if (random.chance(0.25)) return
  const amount = random.pick([bill.amount, Math.ceil(bill.amount / 2)])
  await Promise.all(
    ['a', 'b'].map((name) =>
      act(world, errand, id, 'capture', `${bill.id}-capture-${name}`, { amount }),
    ),
  )
  if (random.chance(0.3))
    await act(world, errand, id, 'void', `${bill.id}-void`, { reason: 'late' })
  await follow(world, errand, id)
}

/** Gives money back in parts, each of them asked for more than once and under new keys. */
const refunder: Habit = async (world, errand) => {
  const { random, bill } = errand
  const id = idIn(await insist(world, errand, `${bill.id}-key`))
  if (id === null) return
  await follow(world, errand, id)
  const part = Math.max(1, Math.floor(bill.amount / random.whole(1, 3)))
  for (let count = 0; count < 4; count += 1) {
    const reference = `back-${count % 2}`
    const body = { reference, amount: part, reason: 'returned' }
    const key = `${bill.id}-refund-${count}`
    await Promise.all([
      act(world, errand, id, 'refunds', key, body),
      act(world, errand, id, 'refunds', `${key}-twin`, body),
    ])
    await sleep(world, random.pick([0, 100, 5_000]))
  }
}

/** Two bills that look alike, and are two: the second one says so. */
const distinct: Habit = async (world, errand) => {
  const { bill } = errand
  const id = idIn(await insist(world, errand, `${bill.id}-key`))
  if (id === null) return
  await insist(world, errand, `${bill.id}-second`, {
    reference: `${bill.reference}/2`,
    distinct_from: [id],
    reason: 'the second of two parcels',
  })
}

const habits: Readonly<Record<string, Habit>> = {
  patient,
  hasty,
  replanner,
  paraphraser,
  confused,
  quitter,
  returner,
  canceller,
  obedient,
  twins,
  retrier,
  capturer,
  refunder,
  distinct,
}

export const habitNames: readonly string[] = Object.keys(habits)

export async function run(world: AgentWorld, errand: Errand): Promise<void> {
  await habits[errand.habit]?.(world, errand)
}
