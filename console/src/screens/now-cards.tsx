// The cards of the first page that show how busy it is, and how the parts of the service are.
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'

import type { ProcessorStatus } from '../../../src/client/operator-types.ts'
import type { Payment } from '../../../src/client/types.ts'
import { get } from '../api.ts'
import type { Page } from '../api.ts'
import { BreakerBadge } from '../breaker-badge.tsx'
import { Chart } from '../chart.tsx'
import { money } from '../format.ts'
import { total, useMetrics } from '../metrics.ts'
import { Ago, Badge, Card, Empty, PaymentLink, Shown, Table } from '../ui.tsx'

const useUnknown = () =>
  useQuery({
    queryKey: ['unknown'],
    queryFn: async () => {
      const found = await Promise.all(
        ['validated', 'authorised'].map((state) =>
          get<Page<Payment>>(`/v1/search?operation=unknown&limit=20&state=${state}`),
        ),
      )
      return found.flatMap(({ data }) => data)
    },
  })

interface ActivityAnswer {
  readonly complete: boolean
  readonly from: string
  readonly minutes: readonly {
    readonly at: string
    readonly states: Partial<Record<Payment['state'], number>>
  }[]
}

const kinds: readonly (readonly [string, string, readonly Payment['state'][]])[] = [
  ['paid', 'chart-good', ['captured', 'settled', 'refunded']],
  ['under way', 'chart-info', ['initiated', 'validated', 'authorised']],
  ['ended without money', 'chart-warn', ['declined', 'rejected', 'voided', 'expired']],
]

export function Activity() {
  const activity = useQuery({
    queryKey: ['activity'],
    queryFn: () => get<ActivityAnswer>('/v1/activity?minutes=60'),
  })
  return (
    <Card title="Payments per minute, by state">
      <Shown of={activity} what="the activity">
        {({ minutes, complete, from }) => {
          const series = kinds.map(([label, colour, states]) => ({
            label,
            colour,
            values: minutes.map((each) =>
              states.reduce((sum, state) => sum + (each.states[state] ?? 0), 0),
            ),
          }))
          const sum = series.map(
            ({ label, values }) => `${values.reduce((a, b) => a + b, 0)} ${label}`,
          )
          const all = `In the last hour: ${sum.join(', ')}.`
          return (
            <>
              <Chart
                kind="bars"
                unit=""
                label={`Payments per minute. ${all}`}
                times={minutes.map(({ at }) => Date.parse(at) / 1_000)}
                series={series}
              />
              <p className="quiet">
                {all}{' '}
                {!complete && (
                  <>
                    Counted since <Ago at={from} />; there were more before.
                  </>
                )}
              </p>
            </>
          )
        }}
      </Shown>
    </Card>
  )
}

export function Unknowns() {
  const unknown = useUnknown()
  return (
    <Card title="Unknown outcomes">
      <Shown of={unknown} what="unknown outcomes">
        {(payments) =>
          payments.length === 0 ? (
            <Empty>None. Whatever was sent, it is known what became of it.</Empty>
          ) : (
            <Table
              caption="Payments with an unknown outcome"
              heads={['Payment', 'Amount', 'What', 'Since', 'Looked at next']}
            >
              {payments.map((payment) => (
                <tr key={payment.id}>
                  <td>
                    <PaymentLink id={payment.id} />
                  </td>
                  <td className="number">{money(payment.amount, payment.currency)}</td>
                  <td>{payment.operation?.kind}</td>
                  <td>
                    <Ago at={payment.updated_at} />
                  </td>
                  <td>{payment.operation?.next_check_at == null ? 'by a person' : 'by itself'}</td>
                </tr>
              ))}
            </Table>
          )
        }
      </Shown>
    </Card>
  )
}

export function Processors() {
  const processors = useQuery({
    queryKey: ['processors'],
    queryFn: () => get<Page<ProcessorStatus>>('/v1/processors'),
  })
  const metrics = useMetrics()
  return (
    <Card title="Processors" aside={<Link href="/processors">More</Link>}>
      <Shown of={processors} what="the processors">
        {({ data }) => (
          <Table
            caption="Each processor"
            heads={['Processor', 'Breaker', 'Switch', 'Calls', 'Waits for a slot']}
          >
            {data.map((each) => (
              <tr key={`${each.name} ${each.account}`}>
                <td>{each.name}</td>
                <td>
                  <BreakerBadge of={each} />
                </td>
                <td>{each.paused === null ? 'on' : <Badge tone="warn">paused</Badge>}</td>
                <td className="number">
                  {total(metrics.data ?? [], 'quittance_processor_call_seconds_count', {
                    processor: each.name,
                  })}
                </td>
                <td className="number">
                  {total(metrics.data ?? [], 'quittance_slot_wait_seconds_count', {
                    processor: each.name,
                  })}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Shown>
    </Card>
  )
}
