// What an agent may see. One that sees its own payments only is answered about others' as about those that
// never were.
import type { Visibility } from '../core/access.ts'
import type { Caller } from '../engine/submit.ts'
import type { Exchange } from './exchange.ts'
import type { Refusal } from './problem.ts'
import { noSuchPayment } from './variables.ts'

interface Seeing {
  readonly caller: Caller
  readonly visibility: Visibility
}

/** The one agent whose payments may be seen; `null`: those of all agents of the account. */
export const onlyOf = ({ caller, visibility }: Seeing): string | null =>
  visibility === 'own' ? caller.agent : null

/** Of a route about one payment; `null`: it may be seen, or is not there anyway. */
export async function refuseUnseen(
  { service, id }: Exchange,
  path: string,
  seeing: Seeing,
): Promise<Refusal | null> {
  const only = onlyOf(seeing)
  if (only === null || !path.startsWith('/v1/payments/{')) return null
  const [row] = await service.engine.store.read([{ table: 'payment', key: id }])
  return row === null || row.value.payment.agent === only ? null : noSuchPayment
}
