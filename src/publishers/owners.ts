// Whose a payment is, for publishers that sort events by it.
import type { PaymentEvent } from '../core/payment.ts'
import type { Store } from '../ports.ts'

export interface Owner {
  readonly paymentId: string
  readonly agent: string
  readonly account: string
  readonly livemode: boolean
}

/** Rows of the store in one read. */
const maxKeys = 100

/** A payment's first event tells; of the others the payment itself. Rejects where one is nowhere. */
export async function ownersOf(
  store: Pick<Store, 'read'>,
  events: readonly PaymentEvent[],
  isKnown: (paymentIds: readonly string[]) => ReadonlySet<string> = () => new Set(),
): Promise<readonly Owner[]> {
  const told = events.flatMap((event): readonly Owner[] => {
    if (event.type !== 'claimed') return []
    const { agent, account, binding } = event.terms
    return [{ paymentId: event.paymentId, agent, account, livemode: binding.livemode }]
  })
  const ids = new Set(events.map(({ paymentId }) => paymentId))
  const known = isKnown([...ids])
  const here = new Set(told.map(({ paymentId }) => paymentId))
  const missing = [...ids].filter((id) => !known.has(id) && !here.has(id))
  return [...told, ...(await readOwners(store, missing))]
}

async function readOwners(
  store: Pick<Store, 'read'>,
  paymentIds: readonly string[],
): Promise<readonly Owner[]> {
  const owners: Owner[] = []
  for (let from = 0; from < paymentIds.length; from += maxKeys) {
    const page = paymentIds.slice(from, from + maxKeys)
    const rows = await store.read(page.map((key) => ({ table: 'payment', key }) as const))
    for (const [place, row] of rows.entries()) {
      if (row === null) throw new Error(`${page[place]} has events and is no payment`)
      const { id: paymentId, agent, account, binding } = row.value.payment
      owners.push({ paymentId, agent, account, livemode: binding.livemode })
    }
  }
  return owners
}
