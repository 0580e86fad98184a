// Does it add up? Compares the bills, what the agents were told, what Quittance shows and what the
// processor booked. Pure, and on purpose without anything of Quittance's own logic but how amounts are written: it counts captures
// by bill, in the processor's ledger.
import type { Payment } from '../../client/index.ts'
import { formatAmount } from '../../core/money.ts'
import type { DemoBill } from './bills.ts'
import type { Charge } from './processor-side.ts'
import { otherWords } from './scripts.ts'

export interface Found {
  readonly bills: readonly DemoBill[]
  /** Bill → payments that an agent was told of. */
  readonly acknowledged: ReadonlyMap<string, ReadonlySet<string>>
  readonly surprises: readonly { readonly bill: string; readonly what: string }[]
  readonly payments: readonly Payment[]
  readonly charges: readonly Charge[]
}

export interface Break {
  /** `null`: it belongs to no bill. */
  readonly bill: string | null
  readonly kind:
    | 'double_charge'
    | 'not_paid'
    | 'paid_against_script'
    | 'open'
    | 'lost'
    | 'differs'
    | 'sum'
    | 'unexpected_answer'
  readonly what: string
}

export interface Verdict {
  readonly paid: number
  readonly declined: number
  readonly open: number
  readonly captures: number
  readonly doubleCharges: number
  readonly lost: number
  readonly breaks: readonly Break[]
}

interface Account {
  readonly bill: DemoBill
  readonly payments: readonly Payment[]
  readonly charges: readonly Charge[]
}

type Outcome = 'paid' | 'declined' | 'open'

export function check(found: Found): Verdict {
  const accounts = accountsOf(found)
  const outcomes = accounts.map(outcomeOf)
  const breaks: readonly Break[] = [
    ...accounts.flatMap((account) => breaksOf(account, found.acknowledged.get(account.bill.id))),
    ...strangers(found, accounts),
    ...differences(found),
    ...sums(found),
    ...found.surprises.map(
      ({ bill, what }) => ({ bill, kind: 'unexpected_answer', what }) as const,
    ),
  ]
  const count = (kind: Break['kind']): number => breaks.filter((each) => each.kind === kind).length
  return {
    paid: outcomes.filter((outcome) => outcome === 'paid').length,
    declined: outcomes.filter((outcome) => outcome === 'declined').length,
    open: outcomes.filter((outcome) => outcome === 'open').length,
    captures: capturesOf(found.charges),
    doubleCharges: count('double_charge'),
    lost: count('lost'),
    breaks,
  }
}

const nameOf = (payee: string, reference: string): string => JSON.stringify([payee, reference])

const capturesOf = (charges: readonly Charge[]): number =>
  charges.reduce((sum, { captures }) => sum + captures, 0)

// A payment belongs to the bill that it names, in whichever of the two wordings; a charge to the
// payment that it names, or, made by somebody else, to the bill itself.
function accountsOf({ bills, payments, charges }: Found): readonly Account[] {
  const byName = new Map<string, string>()
  for (const { id, payee, reference } of bills) {
    byName.set(nameOf(payee, reference), id)
    byName.set(nameOf(payee, otherWords(reference)), id)
  }
  const billOf = ({ payee, reference }: { payee: string; reference: string }): string | undefined =>
    byName.get(nameOf(payee, reference))
  const byPayment = new Map(payments.map((payment) => [payment.id, billOf(payment)]))
  return bills.map((bill) => ({
    bill,
    payments: payments.filter((payment) => billOf(payment) === bill.id),
    charges: charges.filter(
      (charge) => (byPayment.get(charge.reference) ?? billOf(charge)) === bill.id,
    ),
  }))
}

const isOpen = ({ state }: Payment): boolean =>
  state === 'initiated' || state === 'validated' || state === 'authorised'

const isPaid = ({ state }: Payment): boolean =>
  state === 'captured' || state === 'settled' || state === 'refunded'

function outcomeOf({ payments, charges }: Account): Outcome {
  if (payments.length === 0 || payments.some(isOpen)) return 'open'
  return payments.some(isPaid) || capturesOf(charges) > 0 ? 'paid' : 'declined'
}

function breaksOf(
  account: Account,
  acknowledged: ReadonlySet<string> = new Set(),
): readonly Break[] {
  const { bill, payments, charges } = account
  const captures = capturesOf(charges)
  const made = (kind: Break['kind'], what: string): Break => ({ bill: bill.id, kind, what })
  const breaks: Break[] = []
  if (captures > 1) breaks.push(made('double_charge', `its money was taken ${captures} times`))
  if (bill.isPayable && captures === 0) breaks.push(made('not_paid', whyNotPaid(payments)))
  if (!bill.isPayable && captures > 0)
    breaks.push(made('paid_against_script', 'its money was taken'))
  for (const { id, state, hold, operation } of payments.filter(isOpen)) {
    // Held, it is in front of somebody; else it was acknowledged and came to nothing.
    const doing = operation === null ? 'nothing was sent' : `${operation.kind} ${operation.status}`
    if (hold !== null) breaks.push(made('open', `${id} is ${state}, held: ${hold.reason}`))
    else breaks.push(made('lost', `${id} is still ${state} (${doing}) and nobody was told why`))
  }
  const known = new Set(payments.map(({ id }) => id))
  for (const id of acknowledged) {
    if (!known.has(id)) breaks.push(made('lost', `${id} was acknowledged and is not there`))
  }
  return breaks
}

function whyNotPaid(payments: readonly Payment[]): string {
  if (payments.length === 0) return 'nobody asked for it: it has no payment'
  return `its payments are ${payments.map(({ id, state }) => `${id} ${state}`).join(', ')}`
}

// Money at the processor that no payment of ours shows, or that no bill asked for.
function strangers({ charges, payments }: Found, accounts: readonly Account[]): readonly Break[] {
  const paid = new Set(payments.filter(isPaid).map(({ id }) => id))
  return charges.flatMap((charge): readonly Break[] => {
    if (charge.captures === 0) return []
    const bill = accounts.find((account) => account.charges.includes(charge))?.bill.id ?? null
    const what = `${charge.id} took ${formatAmount(charge.amount_captured, charge.currency)}`
    if (!paid.has(charge.reference))
      return [{ bill, kind: 'lost', what: `${what}, and no payment shows it` }]
    return bill === null ? [{ bill, kind: 'differs', what: `${what} for no bill of the file` }] : []
  })
}

// Payment by payment: what we show against what was booked under its id.
function differences({ payments, charges }: Found): readonly Break[] {
  const byPayment = Map.groupBy(charges, ({ reference }) => reference)
  return payments.flatMap((payment): readonly Break[] => {
    const own = byPayment.get(payment.id) ?? []
    const booked = own.reduce((sum, charge) => sum + charge.amount_captured, 0)
    const foreign = own.some(
      ({ captures, currency }) => captures > 0 && currency !== payment.currency,
    )
    const left = own.filter(({ status }) => status === 'authorised' || status === 'processing')
    const bill = payment.metadata['bill'] ?? null
    const money = (amount: number): string => formatAmount(amount, payment.currency)
    const differs = (what: string): Break => ({
      bill,
      kind: 'differs',
      what: `${payment.id}: ${what}`,
    })
    return [
      ...(booked === payment.amount_captured
        ? []
        : [
            differs(
              `shows ${money(payment.amount_captured)} captured, the processor ${money(booked)}`,
            ),
          ]),
      ...(foreign ? [differs('the processor booked another currency')] : []),
      ...(!isOpen(payment) && left.length > 0
        ? [differs(`is ${payment.state}, and ${left[0]?.id} still holds an authorisation`)]
        : []),
    ]
  })
}

function sums({ payments, charges }: Found): readonly Break[] {
  const ours = sumBy(payments)
  const theirs = sumBy(charges)
  return [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((currency): readonly Break[] => {
    const [shown, booked] = [ours.get(currency) ?? 0, theirs.get(currency) ?? 0]
    if (shown === booked) return []
    return [
      {
        bill: null,
        kind: 'sum',
        what: `${formatAmount(shown, currency)} here, ${formatAmount(booked, currency)} at the processor`,
      },
    ]
  })
}

export function sumBy(
  list: readonly { readonly currency: string; readonly amount_captured: number }[],
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { currency, amount_captured: amount } of list) {
    sums.set(currency, (sums.get(currency) ?? 0) + amount)
  }
  return sums
}
