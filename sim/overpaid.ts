// Was a bill paid more often than it was meant? Only the world knows which requests mean one bill,
// whatever their words.
import type { Standing, StoredRow, Violation } from './witness.ts'

/** A payment's row, as far as it is looked at. */
interface Paid {
  readonly reference: string
  readonly createdAtMs: number
  readonly capturedAtMs: number | null
}

/** So long the rule about look-alikes looks back, by our clock. */
const looksBackMs = 600_000

/** `clocksLeapt`: a clock was set while it ran. */
export function overpaid(
  { atMs, bills, rows, charges }: Standing,
  clocksLeapt: boolean,
): readonly Violation[] {
  const captured = new Set(
    charges.filter((each) => each.captured > 0).map(({ paymentId }) => paymentId),
  )
  return bills.flatMap(({ id, meant }): readonly Violation[] => {
    const paying = claimedFor(id, rows).filter((paymentId) => captured.has(paymentId))
    if (paying.length <= meant) return []
    if (clocksLeapt && isOutOfSight(paying.map((paymentId) => paymentOf(paymentId, rows))))
      return []
    const what = `${id} was meant ${meant} time(s), and ${paying.join(' and ')} took money for it`
    return [{ invariant: 1, atMs, paymentId: paying.at(-1) ?? null, what }]
  })
}

/** The key's row names its payment; agents name their keys after the bill. */
function claimedFor(bill: string, rows: readonly StoredRow[]): readonly string[] {
  const own = rows.flatMap(({ table, key, value }) =>
    table === 'key' && key.includes(`${bill}-`) ? [(value as { paymentId: string }).paymentId] : [],
  )
  return [...new Set(own)]
}

function paymentOf(paymentId: string, rows: readonly StoredRow[]): Paid | null {
  const row = rows.find(({ table, key }) => table === 'payment' && key === paymentId)
  return (row?.value as { payment: Paid } | undefined)?.payment ?? null
}

/**
 * Agents here word a bill anew within seconds, so that the rule has no excuse but one: the clock leapt
 * in between, and by it the first was paid longer ago than the rule looks back (seed 1061). Other words
 * are another reference; the same one is never paid twice, whatever the clock says.
 */
function isOutOfSight(paying: readonly (Paid | null)[]): boolean {
  return paying.every((later, index) =>
    paying.slice(0, index).every((earlier) => {
      if (later === null || earlier === null || earlier.capturedAtMs === null) return false
      const byClockMs = later.createdAtMs - earlier.capturedAtMs
      return later.reference !== earlier.reference && byClockMs >= looksBackMs
    }),
  )
}
