// Many bills in one request. Each has the key that `pay` would give it, so that a bill of a batch whose
// answer was lost may be asked for again by itself, and the other way round.
import type { Asking, Send } from './ask.ts'
import { keyFor } from './key.ts'
import type { Payment, PaymentRequest, PaymentResult, Problem } from './types.ts'

export async function payBatch(
  send: Send,
  requests: readonly PaymentRequest[],
  how?: Asking,
): Promise<readonly PaymentResult[]> {
  const bills = await Promise.all(
    requests.map(async (request) => {
      const { payee, reference, retry_of: retryOf } = request
      const key = await keyFor({ operation: 'pay', payee, reference, retryOf })
      return { ...request, idempotency_key: key }
    }),
  )
  const reply = await send({ method: 'POST', path: '/v1/payments/batch', body: { bills } }, how)
  // What is not known of the batch is not known of any bill in it.
  if (!reply.ok) return requests.map(() => reply)
  const { data } = reply.body as { readonly data: readonly Result[] } // the service's own answer
  return data.map(({ result, payment, problem }) =>
    payment === null
      ? { ok: false, problem: problem as Problem } // there is one or the other
      : { ok: true, payment, replayed: result === 'replayed' },
  )
}

interface Result {
  readonly result: string
  readonly payment: Payment | null
  readonly problem: Problem | null
}
