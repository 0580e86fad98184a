// A bill is retried only because its payment had ended without money. Where the store has forgotten that
// end, the earlier payment is still open, and would be paid beside the later one: it is ended again, before
// anything is sent.
import { createHash } from 'node:crypto'

import { decide } from '../core/decide.ts'
import { referenceKey } from '../core/guards.ts'
import { normalise } from '../core/normalise.ts'
import type { Payment } from '../core/payment.ts'
import { change } from './change.ts'
import type { Engine } from './engine.ts'
import { billAlias, recoveredPrefix } from './marks.ts'

const openStates = ['initiated', 'validated', 'authorised'] as const
const pageSize = 100

/** False: the store did not answer; nothing may be opened yet. */
export async function endSuperseded(engine: Engine): Promise<boolean> {
  for (const state of openStates) {
    let cursor: string | null = null
    do {
      const from: { readonly cursor?: string } = cursor === null ? {} : { cursor }
      const page = await engine.store.list({ account: null, state, limit: pageSize, ...from })
      for (const { value } of page.rows) {
        if (!(await endIfSuperseded(engine, value.payment))) return false
      }
      cursor = page.cursor
    } while (cursor !== null)
  }
  return true
}

async function endIfSuperseded(engine: Engine, payment: Payment): Promise<boolean> {
  const rows = await engine.store.read(guardsOf(payment))
  // Ids sort by the time of the claim.
  const later = rows.find((row) => row !== null && row.value.paymentId > payment.id)
  if (later === undefined || later === null) return true
  const reason = `retried as ${later.value.paymentId}`
  const changed = await change(engine, payment.id, (fresh, nowMs) =>
    decide(fresh, { type: 'void', by: 'recovery', reason }, nowMs),
  )
  return changed.result !== 'unknown'
}

/** Where the bill's last payment is named: under its words, or under their hash. */
function guardsOf({ account, payee, reference }: Payment) {
  const hash = reference.startsWith(recoveredPrefix)
    ? reference.slice(recoveredPrefix.length)
    : createHash('sha256')
        .update(JSON.stringify([normalise(payee), normalise(reference)]))
        .digest('hex')
  return [
    { table: 'reference', key: billAlias(account, hash) },
    { table: 'reference', key: referenceKey(account, payee, reference) },
  ] as const
}
