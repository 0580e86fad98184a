// What may be spent: of each limit of the day what is spent, what is reserved and what is left.
import { useQuery } from '@tanstack/react-query'

import { get } from '../api.ts'
import { money } from '../format.ts'
import { Shown } from '../ui.tsx'

export interface Limit {
  readonly currency: string
  readonly per_payment: number | null
  readonly per_day: number | null
  readonly approval_above: number | null
  readonly left_today: number | null
  readonly reserved_today?: number
  readonly spent_today: number
}

interface Scope {
  readonly id: string
  readonly mandate: { readonly version: number; readonly limits: readonly Limit[] } | null
}

export interface Mandate {
  readonly agent: Scope
  readonly account: Scope
}

export const useMandate = (agent: string) =>
  useQuery({
    queryKey: ['mandate', agent],
    queryFn: () => get<Mandate>(`/v1/mandate?agent=${encodeURIComponent(agent)}`),
  })

export function MandateView({ agent }: { readonly agent: string }) {
  const mandate = useMandate(agent)
  return (
    <Shown of={mandate} what="the limits">
      {({ agent: own, account }) => (
        <div className="mandate">
          <ScopeView name="Agent" of={own} />
          <ScopeView name={`Account ${account.id}`} of={account} />
        </div>
      )}
    </Shown>
  )
}

function ScopeView({ name, of: { mandate } }: { readonly name: string; readonly of: Scope }) {
  if (mandate === null) return <p className="quiet">{name}: no limit of its own.</p>
  return (
    <div>
      <h3>{name}</h3>
      {mandate.limits.map((limit) => (
        <LimitBar key={limit.currency} limit={limit} />
      ))}
    </div>
  )
}

export function LimitBar({ limit, more = 0 }: { readonly limit: Limit; readonly more?: number }) {
  const { currency, per_day: day, per_payment: each, approval_above: above } = limit
  const minor = (amount: number) => money(amount, currency)
  const spent = limit.spent_today
  const reserved = limit.reserved_today ?? 0
  const rules = [
    each === null ? null : `${minor(each)} a payment`,
    above === null ? null : `approval above ${minor(above)}`,
  ].filter((rule) => rule !== null)
  if (day === null) {
    return (
      <p className="quiet">
        {currency}: {minor(spent)} spent today, no limit of the day
        {rules.length > 0 && `; ${rules.join(', ')}`}.
      </p>
    )
  }
  const left = limit.left_today ?? 0
  const share = (amount: number) =>
    `${Math.min(100, (Math.max(0, amount) / Math.max(1, day)) * 100)}%`
  const said = `${minor(spent)} spent, ${minor(reserved)} reserved, ${minor(left)} left of ${minor(day)} today`
  return (
    <div className="limit">
      <div className="bar" role="img" aria-label={said}>
        <span className="spent" style={{ width: share(spent) }} />
        <span className="reserved" style={{ width: share(reserved) }} />
        {more > 0 && <span className="more" style={{ width: share(more) }} />}
      </div>
      <p className="quiet">
        {said}
        {rules.length > 0 && ` (${rules.join(', ')})`}
      </p>
    </div>
  )
}
