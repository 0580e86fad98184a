// What waits for an approval: exactly what is approved, the budget before and after, and payments that
// look alike beside it.
import { useQuery } from '@tanstack/react-query'

import type { Payment } from '../../../src/client/types.ts'
import { get, pathWith } from '../api.ts'
import type { Page } from '../api.ts'
import { money, words } from '../format.ts'
import { Decide } from '../payment-actions.tsx'
import {
  Badge,
  Card,
  Empty,
  Facts,
  PaymentLink,
  Screen,
  Shown,
  StateBadge,
  Table,
  Time,
} from '../ui.tsx'
import { LimitBar, useMandate } from './mandate.tsx'

async function waiting(): Promise<readonly Payment[]> {
  const found = await Promise.all(
    ['approval_required', 'possible_duplicate'].map((hold) =>
      get<Page<Payment>>(pathWith('/v1/payments', { hold, limit: 50 })),
    ),
  )
  return [...new Map(found.flatMap(({ data }) => data).map((each) => [each.id, each])).values()]
}

export function Approvals() {
  const payments = useQuery({ queryKey: ['approvals'], queryFn: waiting })
  return (
    <Screen
      title="Approvals"
      about="Held before anything was sent; without an approval in time they are rejected."
    >
      <Shown of={payments} what="the approvals">
        {(list) =>
          list.length === 0 ? (
            <Empty>Nothing waits for an approval.</Empty>
          ) : (
            list.map((payment) => <Approval key={payment.id} payment={payment} />)
          )
        }
      </Shown>
    </Screen>
  )
}

function Approval({ payment }: { readonly payment: Payment }) {
  return (
    <Card
      title={`${money(payment.amount, payment.currency)} to ${payment.payee}`}
      aside={<Badge tone="warn">{words(payment.hold?.reason ?? '')}</Badge>}
    >
      <Facts
        of={[
          ['Payment', <PaymentLink key="id" id={payment.id} />],
          ['Reference', payment.reference],
          ['Agent', payment.agent],
          ['Description', payment.description],
          ['Asked', <Time key="asked" at={payment.created_at} />],
          ['No attempt after', <Time key="after" at={payment.not_after} />],
        ]}
      />
      <Budget payment={payment} />
      <LookAlikes payment={payment} />
      <div className="card-acts">
        <Decide payment={payment} decision="deny" />
        <Decide payment={payment} decision="approve" />
      </div>
    </Card>
  )
}

/** The reservation was taken by the claim: an approval turns it into money spent. */
function Budget({ payment }: { readonly payment: Payment }) {
  const mandate = useMandate(payment.agent)
  const limits = [mandate.data?.agent, mandate.data?.account].flatMap((scope) =>
    (scope?.mandate?.limits ?? [])
      .filter(({ currency }) => currency === payment.currency)
      .map((limit) => ({ id: scope?.id ?? '', limit })),
  )
  if (limits.length === 0) return null
  return (
    <>
      <h3>Budget today; this payment is among what is reserved</h3>
      {limits.map(({ id, limit }) => (
        <div key={id}>
          <b>{id}</b>
          <LimitBar limit={limit} />
        </div>
      ))}
    </>
  )
}

function LookAlikes({ payment }: { readonly payment: Payment }) {
  const alike = useQuery({
    queryKey: ['alike', payment.id],
    queryFn: () =>
      get<Page<Payment>>(
        pathWith('/v1/search', { payee: payment.payee, amount: payment.amount, limit: 10 }),
      ),
  })
  const others =
    alike.data?.data.filter(
      ({ id, currency }) => id !== payment.id && currency === payment.currency,
    ) ?? []
  if (others.length === 0)
    return <p className="quiet">No other payment has this payee and amount.</p>
  return (
    <Table
      caption="Payments of the same payee and amount"
      heads={['Payment', 'Reference', 'Agent', 'State', 'Claimed']}
    >
      {[payment, ...others].map((each) => (
        <tr key={each.id} className={each.id === payment.id ? 'this' : ''}>
          <td>{each.id === payment.id ? 'this one' : <PaymentLink id={each.id} />}</td>
          <td>{each.reference}</td>
          <td>{each.agent}</td>
          <td>
            <StateBadge payment={each} />
          </td>
          <td>
            <Time at={each.created_at} />
          </td>
        </tr>
      ))}
    </Table>
  )
}
