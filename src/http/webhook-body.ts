// What a webhook's receiver is sent: the event as the API shows it, the number of the one before it
// that the receiver's filter let through, and the payment as it is right now.
import type { PaymentEvent } from '../core/payment.ts'
import type { Engine } from '../engine/engine.ts'
import { readEvents, readPayment } from '../engine/read.ts'
import { toEventJson } from './events.ts'
import { toPaymentJson } from './representation.ts'

/** Events of one payment that are read at once; most have fewer. */
const pageSize = 500

/** `null`: the event is not there any more, as after a restore. */
export async function webhookMessage(
  engine: Engine,
  { paymentId, seq }: { readonly paymentId: string; readonly seq: number },
  wants: (event: PaymentEvent) => boolean,
): Promise<{ readonly id: string; readonly body: string } | null> {
  const view = await readPayment(engine, paymentId, null)
  if (view === null) return null
  let event: PaymentEvent | null = null
  let prevSeq = 0
  for (let after = 0; after < seq;) {
    const page = await readEvents(engine, paymentId, after, Math.min(pageSize, seq - after))
    if (page.length === 0) return null
    for (const each of page) {
      if (each.seq === seq) event = each
      else if (wants(each)) prevSeq = each.seq
    }
    after = page.at(-1)?.seq ?? seq
  }
  if (event === null) return null
  const { id, ...shown } = toEventJson(event)
  const body = {
    id,
    ...shown,
    prev_seq: prevSeq,
    timestamp: shown.at,
    payment: toPaymentJson(view, engine.time.nowMs(0)),
  }
  return { id, body: JSON.stringify(body) }
}
