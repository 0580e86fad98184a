// The figures of the report, taken together from the run and from the breaks as they stand now.
import type { Break, Reconciliation } from '../../client/index.ts'

export interface Reported {
  readonly run: Reconciliation
  /** Of the run's processor, open or under investigation, worst first. */
  readonly breaks: readonly Break[]
  /** There are more than were read. */
  readonly isCut: boolean
  /** The payment whose outcome has been unknown for longest; `null`: there is none. */
  readonly oldestUnknown: { readonly id: string; readonly since: string } | null
  readonly madeAt: string
}

export const ages = ['0–1 days', '2–3 days', '4–7 days', 'over 7 days'] as const

export type Age = (typeof ages)[number]

export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const

export type Severity = (typeof severities)[number]

/** As finance people sort them. */
export function ageOf({ age_seconds: seconds }: Break): Age {
  const days = Math.floor(seconds / 86_400)
  if (days <= 1) return ages[0]
  if (days <= 3) return ages[1]
  return days <= 7 ? ages[2] : ages[3]
}

export interface TotalsLine {
  readonly currency: string
  readonly ours: number
  readonly theirs: number
  readonly matched: number
  /** Ours, and not found at the processor. */
  readonly onlyOurs: number
  /** Theirs, and not found here. */
  readonly onlyTheirs: number
  /** Of whichever side has more, what agrees: 0 to 1; `null`: there is nothing. */
  readonly rate: number | null
}

export function totalsOf({ totals }: Reconciliation): readonly TotalsLine[] {
  return Object.entries(totals)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, { ours, theirs, matched }]) => {
      const all = Math.max(ours, theirs)
      const [onlyOurs, onlyTheirs] = [ours - matched, theirs - matched]
      const rate = all === 0 ? null : matched / all
      return { currency, ours, theirs, matched, onlyOurs, onlyTheirs, rate }
    })
}

export interface TypeLine {
  readonly type: Break['type']
  readonly severity: Severity
  readonly count: number
  readonly byAge: Readonly<Record<Age, number>>
  readonly atRisk: readonly string[]
}

const noAges: Readonly<Record<Age, number>> = {
  '0–1 days': 0,
  '2–3 days': 0,
  '4–7 days': 0,
  'over 7 days': 0,
}

export function byType(
  breaks: readonly Break[],
  sums: (own: readonly Break[]) => readonly string[],
): readonly TypeLine[] {
  return [...Map.groupBy(breaks, ({ type }) => type)].map(([type, own]) => {
    const byAge = { ...noAges }
    for (const each of own) byAge[ageOf(each)] += 1
    const severity = own[0]?.severity ?? 'info'
    return { type, severity, count: own.length, byAge, atRisk: sums(own) }
  })
}

/** Minor units by currency; money of two currencies is never added. */
export function atRisk(breaks: readonly Break[]): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>()
  for (const { currency, value_at_risk: value, severity } of breaks) {
    // What is only waited for is not at risk yet.
    if (currency === '' || value === 0 || severity === 'info') continue
    sums.set(currency, (sums.get(currency) ?? 0) + value)
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

export function worstFirst(breaks: readonly Break[]): readonly Break[] {
  const rank = ({ severity }: Break): number => severities.indexOf(severity)
  return breaks.toSorted(
    (a, b) => rank(a) - rank(b) || b.age_seconds - a.age_seconds || (a.id < b.id ? -1 : 1),
  )
}
