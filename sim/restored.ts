// What a process has besides where the store may be set back: the bank's records, and the question of
// every start.
import { createHash } from 'node:crypto'

import { lookAlikeKeys } from '../src/core/guards.ts'
import { normalise } from '../src/core/normalise.ts'
import type { ProcessorRecord } from '../src/core/reconcile.ts'
import { markProcessor } from '../src/engine/marks.ts'
import type { RestoreGate } from '../src/engine/restore-gate.ts'
import type { Clock, Processor, RecordsPage, RecordsQuery, Store } from '../src/ports.ts'
import type { Made } from './bank.ts'
import type { Network } from './network.ts'

/** Small, so that a pass is many answers and can be broken off between them. */
const pageSize = 3

const checkEveryMs = 1_000

/** Nothing begins before the bank was heard. */
export function startChecked(
  gate: RestoreGate,
  isAlive: () => boolean,
  clock: Clock,
  begin: () => void,
): void {
  gate.onOpen(begin)
  const ask = async (): Promise<void> => {
    while (isAlive()) {
      const isOver = await gate.check().catch(() => false)
      if (isOver) return
      await clock.sleep(checkEveryMs)
    }
  }
  void ask()
}

export function withRecords(network: Network, bank: Processor, store: Store): Processor {
  const records = (query: RecordsQuery): Promise<RecordsPage> =>
    new Promise((resolve) => {
      const { schedule, faults, options } = network
      const isLost =
        schedule.nowMs() < network.outageUntilMs ||
        faults.strikes('records lost', options.rates.lookUpLost, 'records')
      const lost = { result: 'no_answer', cause: '504', retryAfterMs: null } as const
      const page = isLost ? lost : pageOf(network.bank.made(), query)
      schedule.later(network.randomOf('records').whole(5, 100), () => resolve(page))
    })
  return markProcessor({ ...bank, records }, store)
}

function pageOf(made: readonly Made[], { fromMs, toMs, cursor }: RecordsQuery): RecordsPage {
  const inside = made.filter(({ madeAtMs }) => madeAtMs >= fromMs && madeAtMs < toMs)
  const start = Number(cursor ?? '0')
  const end = start + pageSize
  return {
    result: 'page',
    records: inside.slice(start, end).map(recordOf),
    unreadable: [],
    cursor: end < inside.length ? String(end) : null,
  }
}

/** As an adapter would tell it: by hashes. */
function recordOf({ object, paymentId, madeAtMs, told, refunds }: Made): ProcessorRecord {
  const { account = '', amount = 0, payee, reference, currency } = told
  const bill = JSON.stringify([normalise(payee), normalise(reference)])
  const [, alike] = lookAlikeKeys({ account, payee, reference, amount, currency })
  return {
    object,
    paymentId,
    isForeign: false,
    createdAtMs: madeAtMs,
    marks: {
      account,
      agent: told.agent ?? null,
      capture: told.capture ?? null,
      batch: told.batch ?? null,
      retryOf: told.retryOf ?? null,
      retryCount: told.retryCount ?? 0,
      payee,
      paymentMethod: told.paymentMethod,
      billHash: createHash('sha256').update(bill).digest('hex'),
      alikeHash: createHash('sha256').update(alike).digest('base64url'),
      asked: told.asked ?? null,
      refunds: refunds.map((each) => ({
        objectId: each.id,
        refundId: each.refundId,
        reference: each.reference,
      })),
    },
  }
}
