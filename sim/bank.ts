// The processor's side: its ledger, its keys, and what it does with a request that reaches it. It
// keeps the word of its capabilities, and where they promise nothing it is as unkind as it may be.
import type { Answer, ObjectView, Signal } from '../src/core/outcome.ts'
import type { Capabilities } from '../src/core/policy.ts'
import type { Call } from '../src/ports.ts'
import type { Faults } from './faults.ts'
import type { Rates } from './options.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'
import type { Charge, Ledger } from './witness.ts'

/** An object as the processor's records show it. */
export interface Made {
  readonly object: ObjectView
  readonly paymentId: string
  readonly madeAtMs: number
  readonly told: Call['payment']
  readonly refunds: readonly Pick<Refund, 'id' | 'refundId' | 'reference'>[]
}

export interface Bank {
  /** A request arrives; it takes effect by `latestMs`, and its answer may still be lost on its way. */
  readonly receive: (call: Call, latestMs: number, answer: (answer: Answer) => void) => void
  readonly byId: (objectId: string) => ObjectView | null
  readonly ofPayment: (paymentId: string, madeBeforeMs: number) => ObjectView | null
  readonly charges: () => readonly Charge[]
  /** Everything that it made, in order, with what the requests told. */
  readonly made: () => readonly Made[]
}

interface Item {
  readonly id: string
  readonly paymentId: string
  readonly attemptId: string
  readonly amount: number
  readonly currency: string
  readonly madeAtMs: number
  status: 'created' | 'pending' | 'authorised' | 'captured' | 'declined' | 'voided' | 'expired'
  expiresAtMs: number | null
  captured: number
  reversed: number
  settled: boolean
  oneStep: boolean
  readonly refunds: Refund[]
  /** As the request that made it told. */
  readonly told: Call['payment']
}

interface Refund {
  readonly id: string
  readonly attemptId: string
  readonly amount: number
  status: 'pending' | 'succeeded' | 'failed'
  readonly refundId: string | null
  readonly reference: string | null
}

export interface BankWorld {
  readonly schedule: Schedule
  /** Of whoever acts. */
  readonly random: () => Random
  readonly faults: Faults
  readonly rates: Rates
  readonly capabilities: Capabilities
  readonly settleAfterMs: number
  readonly tell: (ledger: Ledger) => void
  /** Something about a charge is news; a message may be sent to us. */
  readonly notify: (object: ObjectView, paymentId: string) => void
}

export function createBank(world: BankWorld): Bank {
  const { schedule, faults, rates, capabilities: can } = world
  const items: Item[] = []
  const keys = new Map<string, { readonly atMs: number; readonly answer: Answer }>()
  const fenced = new Set<string>()
  /** Keys whose request is being worked on. */
  const working = new Set<string>()

  const told = (item: Item, change: Ledger['change'], amount: number, key: string | null): void => {
    world.tell({
      see: 'ledger',
      atMs: schedule.nowMs(),
      paymentId: item.paymentId,
      objectId: item.id,
      key,
      change,
      amount,
      currency: item.currency,
      reference: null,
    })
    world.notify(viewOf(item), item.paymentId)
  }

  const authorise = (item: Item, key: string): void => {
    item.status = 'authorised'
    told(item, 'authorised', item.amount, key)
    if (item.oneStep) return take(item, item.amount, key)
    if (can.authorisationWindowMs === null) return
    item.expiresAtMs = schedule.nowMs() + can.authorisationWindowMs
    schedule.later(can.authorisationWindowMs, () => {
      if (item.status !== 'authorised') return
      item.status = 'expired'
      told(item, 'voided', item.amount, null)
    })
  }

  const take = (item: Item, amount: number, key: string): void => {
    item.status = 'captured'
    item.captured += amount
    told(item, 'captured', amount, key)
    schedule.later(world.settleAfterMs, () => {
      item.settled = true
      told(item, 'settled', item.captured, null)
      const left = item.captured - givenBack(item)
      if (left > 0 && faults.strikes('reversal', rates.reversal)) {
        item.reversed = left
        told(item, 'reversed', left, null)
      }
    })
  }

  const act = (call: Call): Done => {
    const { kind, attempt, payment } = call
    const { objectId, amount, oneStep } = attempt.request
    const item = items.find((each) => each.id === objectId) ?? null
    const random = world.random()
    switch (kind) {
      case 'create':
        return fenced.has(payment.id) ? gone(null) : { signal: 'done', item: make(call) }
      case 'authorise': {
        if (item === null && objectId !== null) return gone(null)
        if (item === null && fenced.has(payment.id)) return gone(null)
        if (item !== null && item.status !== 'created' && item.status !== 'declined')
          return gone(item)
        const target = item ?? make(call)
        target.oneStep = oneStep
        if (faults.strikes('decline', rates.decline)) {
          target.status = 'declined'
          world.notify(viewOf(target), target.paymentId)
          return { signal: 'declined', item: target }
        }
        if (faults.strikes('pending', rates.pending)) {
          target.status = 'pending'
          schedule.later(random.whole(100, 600_000), () => finish(target, attempt.id))
          return { signal: 'not_final', item: target }
        }
        authorise(target, attempt.id)
        return { signal: 'done', item: target }
      }
      case 'capture': {
        if (item === null) return gone(null)
        if (item.status === 'expired') return gone(item)
        const unfenced = item.status === 'voided' && !can.fence
        const twice = item.status === 'captured' && !can.objectOnce
        if (item.status !== 'authorised' && !unfenced && !twice) return gone(item)
        if (faults.strikes('decline capture', rates.decline / 4))
          return { signal: 'declined', item }
        take(item, amount, attempt.id)
        return { signal: 'done', item }
      }
      case 'void':
        return objectId === null ? cancelAll(payment.id) : cancel(item)
      case 'refund': {
        if (item === null) return gone(null)
        if (givenBack(item) + amount + item.reversed > item.captured) {
          return { signal: 'declined', item: null }
        }
        const id = `re_${attempt.id}`
        const asked = payment.refunds?.find(({ operation }) => operation?.attempt.id === attempt.id)
        const named = { refundId: asked?.id ?? null, reference: asked?.reference ?? null }
        const refund: Refund = { id, attemptId: attempt.id, amount, status: 'pending', ...named }
        item.refunds.push(refund)
        if (faults.strikes('slow refund', rates.slowRefund)) {
          const inMs = random.whole(100, 600_000)
          schedule.later(inMs, () => finishRefund(item, refund, random.chance(0.7)))
          return { signal: 'not_final', item }
        }
        finishRefund(item, refund, true)
        return { signal: 'done', item }
      }
    }
  }

  const finishRefund = (item: Item, refund: Refund, succeeds: boolean): void => {
    refund.status = succeeds ? 'succeeded' : 'failed'
    if (succeeds) told(item, 'refunded', refund.amount, refund.attemptId)
    else world.notify(viewOf(item), item.paymentId)
  }

  const finish = (item: Item, key: string): void => {
    if (item.status !== 'pending') return
    if (world.random().chance(0.7)) authorise(item, key)
    else {
      item.status = 'declined'
      world.notify(viewOf(item), item.paymentId)
    }
  }

  const make = ({ attempt, payment }: Call): Item => {
    const item: Item = {
      id: `ch_${items.length + 1}`,
      paymentId: payment.id,
      attemptId: attempt.id,
      amount: attempt.request.amount,
      currency: payment.currency,
      madeAtMs: schedule.nowMs(),
      status: 'created',
      expiresAtMs: null,
      captured: 0,
      reversed: 0,
      settled: false,
      oneStep: false,
      refunds: [],
      told: payment,
    }
    items.push(item)
    return item
  }

  const cancel = (item: Item | null): Done => {
    if (item === null || item.status === 'captured' || item.status === 'expired') return gone(item)
    const wasLive = item.status === 'authorised'
    item.status = 'voided'
    if (wasLive) told(item, 'voided', item.amount, null)
    return { signal: 'done', item }
  }

  const cancelAll = (paymentId: string): Done => {
    if (!can.cancelByReference) return { signal: 'invalid_content', item: null }
    const own = items.filter((each) => each.paymentId === paymentId)
    fenced.add(paymentId)
    for (const item of own) if (item.status !== 'captured') cancel(item)
    const captured = own.find(({ status }) => status === 'captured')
    return captured === undefined ? { signal: 'done', item: own.at(-1) ?? null } : gone(captured)
  }

  /** What needs no work: a key that is known, and a door that is closed. */
  const turnedBack = ({ attempt: { id: key } }: Call): Answer | null => {
    if (working.has(key))
      return { ...silent, signal: 'in_flight', cause: 'key_in_use', status: 409 }
    const stored = keys.get(key)
    if (stored !== undefined && schedule.nowMs() - stored.atMs < can.keyWindowMs) {
      return { ...stored.answer, replayed: true }
    }
    if (faults.strikes('slow down', rates.slowDown)) {
      const retryAfterMs = world.random().whole(1, 5) * 1000
      return { ...silent, signal: 'slow_down', status: 429, retryAfterMs }
    }
    return faults.strikes('account fault', rates.accountFault)
      ? { ...silent, signal: 'account_fault', status: 401 }
      : null
  }

  const work = (call: Call): Answer => {
    const breaks = faults.strikes('server error', rates.serverError)
    const undone = breaks && world.random().chance(0.5)
    const { signal, item } = undone ? gone(null) : act(call)
    const answer: Answer = breaks
      ? { ...silent, signal: 'server_error', status: 500 }
      : answerOf(signal, item)
    // What was done is remembered in any case, also where its own answer was a fault.
    const isDone = signal === 'done' || signal === 'not_final'
    if (isDone || can.keyCachesErrors) {
      keys.set(call.attempt.id, { atMs: schedule.nowMs(), answer })
    }
    return answer
  }

  return {
    receive(call, latestMs, answer) {
      const key = call.attempt.id
      const back = turnedBack(call)
      if (back !== null) return answer(back)
      if (!faults.strikes('slow work', rates.slowWork)) return answer(work(call))
      working.add(key)
      // Some act at once and take their time to say so, others act at the end of it.
      const random = world.random()
      const early = random.chance(0.5) ? work(call) : null
      const workMs = random.pick([30, 5_000, 20_000, 60_000])
      schedule.later(Math.min(workMs, latestMs - schedule.nowMs()), () => {
        working.delete(key)
        answer(early ?? work(call))
      })
    },
    byId: (objectId) => {
      const item = items.find((each) => each.id === objectId)
      return item === undefined ? null : viewOf(item)
    },
    ofPayment: (paymentId, madeBeforeMs) => {
      const own = items.filter(
        (each) => each.paymentId === paymentId && each.madeAtMs <= madeBeforeMs,
      )
      const best =
        own.find((each) => each.captured > 0) ??
        own.find((each) => each.status === 'authorised' || each.status === 'pending') ??
        own.at(-1)
      return best === undefined ? null : viewOf(best)
    },
    made: () => items.map((item) => ({ ...item, object: viewOf(item) })),
    charges: () =>
      items.map((item) => ({
        objectId: item.id,
        paymentId: item.paymentId,
        currency: item.currency,
        status:
          item.status === 'pending'
            ? 'created'
            : item.status === 'expired'
              ? 'voided'
              : item.status,
        amount: item.amount,
        captured: item.captured,
        refunded: givenBack(item, ['succeeded']),
        reversed: item.reversed,
      })),
  }
}

/** By refunds that took effect, or that still may. */
const givenBack = (
  { refunds }: Item,
  counts: readonly Refund['status'][] = ['pending', 'succeeded'],
): number =>
  refunds.reduce((sum, { amount, status }) => sum + (counts.includes(status) ? amount : 0), 0)

interface Done {
  readonly signal: Signal
  readonly item: Item | null
}

const gone = (item: Item | null): Done => ({ signal: 'already_in_state', item })

export const silent: Answer = {
  signal: 'connection_lost',
  cause: '',
  object: null,
  decline: null,
  retryAfterMs: null,
  replayed: false,
  status: null,
  requestId: null,
  excerpt: null,
}

const noFunds = { reason: 'declined', code: 'insufficient_funds' } as const

function answerOf(signal: Signal, item: Item | null): Answer {
  const declined = signal === 'declined'
  return {
    ...silent,
    signal,
    cause: signal,
    status: declined ? 402 : 200,
    object: item === null ? null : viewOf(item),
    decline: declined ? noFunds : null,
  }
}

function viewOf(item: Item): ObjectView {
  const live = item.status === 'authorised' || item.status === 'captured'
  return {
    objectId: item.id,
    attemptId: item.attemptId,
    status: item.status,
    amount: item.amount,
    currency: item.currency,
    amountAuthorised: live ? item.amount : 0,
    amountCaptured: item.captured,
    amountReversed: item.reversed,
    authorisationExpiresAtMs: item.expiresAtMs,
    decline: item.status === 'declined' ? noFunds : null,
    actionUrl: null,
    settlement: item.settled ? { id: `po_${item.id}`, settledAtMs: item.madeAtMs, fee: 0 } : null,
    refunds: item.refunds.map(({ id, attemptId, amount, status }) => {
      return { objectId: id, attemptId, amount, status }
    }),
  }
}
