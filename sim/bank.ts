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

export interface Bank {
  /** A request arrives; the answer is ready at once, and may still be lost on its way. */
  readonly receive: (call: Call) => Answer
  readonly byId: (objectId: string) => ObjectView | null
  readonly ofPayment: (paymentId: string, madeBeforeMs: number) => ObjectView | null
  readonly charges: () => readonly Charge[]
}

interface Item {
  readonly id: string
  readonly paymentId: string
  readonly attemptId: string
  readonly amount: number
  readonly currency: string
  readonly madeAtMs: number
  status: 'created' | 'pending' | 'authorised' | 'captured' | 'declined' | 'voided'
  captured: number
  reversed: number
  settled: boolean
  oneStep: boolean
  readonly refunds: { readonly id: string; readonly attemptId: string; readonly amount: number }[]
}

export interface BankWorld {
  readonly schedule: Schedule
  readonly random: Random
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
    if (item.oneStep) take(item, item.amount, key)
  }

  const take = (item: Item, amount: number, key: string): void => {
    item.status = 'captured'
    item.captured += amount
    told(item, 'captured', amount, key)
    schedule.later(world.settleAfterMs, () => {
      item.settled = true
      told(item, 'settled', item.captured, null)
      const left = item.captured - item.refunds.reduce((sum, each) => sum + each.amount, 0)
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
          schedule.later(world.random.whole(100, 600_000), () => finish(target, attempt.id))
          return { signal: 'not_final', item: target }
        }
        authorise(target, attempt.id)
        return { signal: 'done', item: target }
      }
      case 'capture': {
        if (item === null) return gone(null)
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
        const back = item.refunds.reduce((sum, each) => sum + each.amount, 0)
        if (back + amount + item.reversed > item.captured) return { signal: 'declined', item: null }
        item.refunds.push({ id: `re_${attempt.id}`, attemptId: attempt.id, amount })
        told(item, 'refunded', amount, attempt.id)
        return { signal: 'done', item }
      }
    }
  }

  const finish = (item: Item, key: string): void => {
    if (item.status !== 'pending') return
    if (world.random.chance(0.7)) authorise(item, key)
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
      captured: 0,
      reversed: 0,
      settled: false,
      oneStep: false,
      refunds: [],
    }
    items.push(item)
    return item
  }

  const cancel = (item: Item | null): Done => {
    if (item === null || item.status === 'captured') return gone(item)
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

  return {
    receive(call) {
      const key = call.attempt.id
      const stored = keys.get(key)
      if (stored !== undefined && schedule.nowMs() - stored.atMs < can.keyWindowMs) {
        return { ...stored.answer, replayed: true }
      }
      if (faults.strikes('slow down', rates.slowDown)) {
        return {
          ...silent,
          signal: 'slow_down',
          status: 429,
          retryAfterMs: world.random.whole(1, 5) * 1000,
        }
      }
      if (faults.strikes('account fault', rates.accountFault)) {
        return { ...silent, signal: 'account_fault', status: 401 }
      }
      const breaks = faults.strikes('server error', rates.serverError)
      const undone = breaks && world.random.chance(0.5)
      const { signal, item } = undone ? gone(null) : act(call)
      const answer: Answer = breaks
        ? { ...silent, signal: 'server_error', status: 500 }
        : answerOf(signal, item)
      // What was done is remembered in any case, also where its own answer was a fault.
      const isDone = signal === 'done' || signal === 'not_final'
      if (isDone || can.keyCachesErrors) keys.set(key, { atMs: schedule.nowMs(), answer })
      return answer
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
    charges: () =>
      items.map((item) => ({
        objectId: item.id,
        paymentId: item.paymentId,
        currency: item.currency,
        status: item.status === 'pending' ? 'created' : item.status,
        amount: item.amount,
        captured: item.captured,
        refunded: item.refunds.reduce((sum, each) => sum + each.amount, 0),
        reversed: item.reversed,
      })),
  }
}

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
    authorisationExpiresAtMs: live ? item.madeAtMs + 7 * 86_400_000 : null,
    decline: item.status === 'declined' ? noFunds : null,
    actionUrl: null,
    settlement: item.settled ? { id: `po_${item.id}`, settledAtMs: item.madeAtMs, fee: 0 } : null,
    refunds: item.refunds.map(({ id, attemptId, amount }) => ({
      objectId: id,
      attemptId,
      amount,
      status: 'succeeded',
    })),
  }
}
