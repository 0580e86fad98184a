// The processors: breaker, switch, and how their calls went: since the service started, and for as
// long as this page has been open.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import type { Alert, ProcessorStatus } from '../../../src/client/operator-types.ts'
import { Act } from '../act.tsx'
import { get, post } from '../api.ts'
import type { Page } from '../api.ts'
import { Chart } from '../chart.tsx'
import { words } from '../format.ts'
import { buckets, find, quantile, total, useMetrics } from '../metrics.ts'
import type { Sample } from '../metrics.ts'
import { Ago, Badge, Card, Facts, Screen, Shown, Table, Time } from '../ui.tsx'
import { BreakerBadge } from '../breaker-badge.tsx'

export function Processors() {
  const processors = useQuery({
    queryKey: ['processors'],
    queryFn: () => get<Page<ProcessorStatus>>('/v1/processors'),
  })
  const history = useHistory()
  return (
    <Screen title="Processors" about="Who moves the money, and how it goes with them.">
      <Shown of={processors} what="the processors">
        {({ data }) =>
          data.map((each) => (
            <Processor key={`${each.name} ${each.account}`} of={each} history={history} />
          ))
        }
      </Shown>
    </Screen>
  )
}

// ── What is seen while the page is open ──────────────────────────────────────────────────────────

interface Look {
  readonly atMs: number
  readonly samples: readonly Sample[]
}

/** Twenty minutes of looks, one every four seconds. */
const maxLooks = 300

function useHistory(): readonly Look[] {
  const metrics = useMetrics()
  const [looks, setLooks] = useState<readonly Look[]>([])
  const last = useRef(0)
  useEffect(() => {
    if (metrics.data === undefined || metrics.dataUpdatedAt === last.current) return
    last.current = metrics.dataUpdatedAt
    const look = { atMs: metrics.dataUpdatedAt, samples: metrics.data }
    setLooks((before) => [...before, look].slice(-maxLooks))
  }, [metrics.data, metrics.dataUpdatedAt])
  return looks
}

function Processor({
  of,
  history,
}: {
  readonly of: ProcessorStatus
  readonly history: readonly Look[]
}) {
  const { name, account, livemode, paused, breaker } = of
  const samples = history.at(-1)?.samples ?? []
  return (
    <Card
      title={name}
      className="of-id"
      aside={
        <span className="badges">
          <Badge tone={livemode ? 'bad' : 'quiet'}>{livemode ? 'live' : 'test'}</Badge>
          {paused !== null && <Badge tone="warn">paused</Badge>}
          <Switch of={of} />
        </span>
      }
    >
      <Facts
        of={[
          ['Account', <code key="account">{account}</code>],
          ['Breaker', <BreakerBadge key="breaker" of={of} />],
          ['Since', breaker?.since == null ? '–' : <Time key="since" at={breaker.since} />],
          ['Recent failures', breaker?.recent_failures ?? 0],
          ...(breaker?.reason == null || breaker.state === 'closed'
            ? []
            : [['Why', words(breaker.reason)] as const]),
          [
            'Next probe',
            breaker?.next_probe_at == null ? '–' : <Time key="probe" at={breaker.next_probe_at} />,
          ],
          [
            'Waited for a slot',
            `${total(samples, 'quittance_slot_wait_seconds_count', { processor: name })} calls`,
          ],
          ...(paused === null ? [] : [['Paused', `${paused.by}: ${paused.reason}`] as const]),
        ]}
      />
      <Calls name={name} samples={samples} />
      <OverTime name={name} history={history} />
      <BreakerAlerts name={name} />
    </Card>
  )
}

function Switch({ of: { name, paused } }: { readonly of: ProcessorStatus }) {
  const isPaused = paused !== null
  return (
    <Act
      label={isPaused ? 'Resume' : 'Pause'}
      tone={isPaused ? 'primary' : 'danger'}
      title={`${isPaused ? 'Resume' : 'Pause'} ${name}?`}
      about={
        isPaused
          ? 'Its payments go on from where they stand.'
          : 'No call that moves money goes to it; what is out is still looked up.'
      }
      act={async ({ reason }) => {
        const path = `/v1/processors/${encodeURIComponent(name)}/${isPaused ? 'resume' : 'pause'}`
        await post(path, { body: { reason } })
        return isPaused ? `${name} goes on.` : `${name} is paused.`
      }}
    />
  )
}

const seconds = (value: number | null): string => {
  if (value === null) return '–'
  return value === Infinity ? 'over 30 s' : `≤ ${value < 1 ? `${value * 1_000} ms` : `${value} s`}`
}

function Calls({ name, samples }: { readonly name: string; readonly samples: readonly Sample[] }) {
  const counted = find(samples, 'quittance_processor_call_seconds_count', { processor: name })
  const operations = [...new Set(counted.map(({ labels }) => labels['operation'] ?? ''))].toSorted()
  if (operations.length === 0) return <p className="quiet">No call since the service started.</p>
  return (
    <Table
      caption="Calls since the service started"
      heads={['Operation', 'Calls', 'Outcomes', 'Half within', '95 % within']}
    >
      {operations.map((operation) => {
        const own = counted.filter(({ labels }) => labels['operation'] === operation)
        const of = buckets(samples, { processor: name, operation })
        return (
          <tr key={operation}>
            <td>{words(operation)}</td>
            <td className="number">{own.reduce((sum, { value }) => sum + value, 0)}</td>
            <td>
              {own
                .map(({ labels, value }) => `${value} ${words(labels['outcome'] ?? '')}`)
                .join(', ')}
            </td>
            <td className="number">{seconds(quantile(of, 0.5))}</td>
            <td className="number">{seconds(quantile(of, 0.95))}</td>
          </tr>
        )
      })}
    </Table>
  )
}

const bad = ['unknown', 'no_answer', 'not_executed']

function OverTime({ name, history }: { readonly name: string; readonly history: readonly Look[] }) {
  if (history.length < 2)
    return <p className="quiet">Charts begin with the next look, in a few seconds.</p>
  const steps = history
    .slice(1)
    .map((look, index) => ({ ...look, before: history[index]?.samples ?? [] }))
  const calls = (samples: readonly Sample[], outcomes: readonly string[] | null) =>
    find(samples, 'quittance_processor_call_seconds_count', { processor: name })
      .filter(({ labels }) => outcomes === null || outcomes.includes(labels['outcome'] ?? ''))
      .reduce((sum, { value }) => sum + value, 0)
  const during = (outcomes: readonly string[] | null) =>
    steps.map(({ samples, before }) =>
      Math.max(0, calls(samples, outcomes) - calls(before, outcomes)),
    )
  const all = during(null)
  const failed = during(bad)
  const within = (share: number) =>
    steps.map(({ samples, before }) => {
      const found = quantile(buckets(samples, { processor: name }, before), share)
      return found === Infinity ? 30 : found
    })
  const times = steps.map(({ atMs }) => atMs / 1_000)
  return (
    <div className="two">
      <div>
        <h3>Calls between two looks</h3>
        <Chart
          kind="lines"
          unit=""
          label={`Calls to ${name} since this page was opened: ${sum(all)}, of them ${sum(failed)} without a clear answer`}
          times={times}
          series={[
            { label: 'all', colour: 'chart-info', values: all },
            { label: 'unknown, unanswered or not done', colour: 'chart-bad', values: failed },
          ]}
        />
      </div>
      <div>
        <h3>How long calls take</h3>
        <Chart
          kind="lines"
          unit=" s"
          label={`Latency of ${name} since this page was opened`}
          times={times}
          series={[
            { label: 'half within', colour: 'chart-good', values: within(0.5) },
            { label: '95 % within', colour: 'chart-warn', values: within(0.95) },
          ]}
        />
      </div>
    </div>
  )
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

function BreakerAlerts({ name }: { readonly name: string }) {
  const { data } = useQuery({
    queryKey: ['alerts', 'all'],
    queryFn: () => get<Page<Alert>>('/v1/alerts?limit=100'),
  })
  const own =
    data?.data.filter(
      ({ subject, kind }) =>
        subject === name || (kind === 'breaker_open' && subject?.startsWith(name) === true),
    ) ?? []
  if (own.length === 0) return <p className="quiet">Its breaker has no history: it never opened.</p>
  return (
    <Table
      caption="History of its breaker and switch"
      heads={['What', 'Times', 'First', 'Last', 'Over']}
    >
      {own.map((alert) => (
        <tr key={alert.id}>
          <td>{alert.title}</td>
          <td className="number">{alert.count}</td>
          <td>
            <Ago at={alert.first_at} />
          </td>
          <td>
            <Ago at={alert.last_at} />
          </td>
          <td>
            {alert.resolved_at === null ? (
              <Badge tone="bad">not yet</Badge>
            ) : (
              <Ago at={alert.resolved_at} />
            )}
          </td>
        </tr>
      ))}
    </Table>
  )
}
