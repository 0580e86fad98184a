// Is money safe? What needs a person stands on top, with what to do; then how busy it is, and how the
// parts of the service are.
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'

import type {
  Alert,
  Break,
  Reconciliation,
  StopSwitch,
} from '../../../src/client/operator-types.ts'
import { alertTable } from '../../../src/core/alerts.ts'
import { Act } from '../act.tsx'
import { get, post } from '../api.ts'
import type { Page } from '../api.ts'
import { count, duration, percent, words } from '../format.ts'
import { find, gauge, useMetrics } from '../metrics.ts'
import type { Sample } from '../metrics.ts'
import { Ago, Badge, Card, PaymentLink, Screen, Shown, tell } from '../ui.tsx'
import type { Tone } from '../ui.tsx'
import { Activity, Processors, Unknowns } from './now-cards.tsx'

const useAlerts = () =>
  useQuery({
    queryKey: ['alerts'],
    queryFn: async () => {
      const page = await get<Page<Alert>>('/v1/alerts?status=firing&limit=100')
      return { ...page, data: page.data.filter(isStanding) }
    },
  })

/** What has happened is told for a day; nothing ends it, and nobody has to do it again. */
const eventsLastMs = 86_400_000

const isStanding = ({ kind, last_at: last }: Alert): boolean =>
  alertTable[kind]?.nature !== 'event' || Date.now() - Date.parse(last) < eventsLastMs

export function Now() {
  const metrics = useMetrics()
  const alerts = useAlerts()
  const breaks = useQuery({
    queryKey: ['breaks', 'count'],
    queryFn: () => get<Page<Break>>('/v1/breaks?limit=100'),
  })
  return (
    <Screen
      title="Now"
      about="What is so at this moment; asked again every few seconds."
      actions={<StopSwitchButton />}
    >
      <Verdict alerts={alerts.data?.data} metrics={metrics.data} />
      <NeedsPerson of={alerts} />
      <Card title="Standing" className="bare">
        <Shown of={metrics} what="the figures">
          {(samples) => <Standing samples={samples} breaks={breaks.data} />}
        </Shown>
      </Card>
      <Activity />
      <div className="two">
        <Unknowns />
        <Processors />
      </div>
    </Screen>
  )
}

// ── The verdict ──────────────────────────────────────────────────────────────────────────────────

function Verdict({
  alerts,
  metrics,
}: {
  readonly alerts: readonly Alert[] | undefined
  readonly metrics: readonly Sample[] | undefined
}) {
  if (alerts === undefined || metrics === undefined) {
    return (
      <p className="verdict quiet" role="status">
        Looking …
      </p>
    )
  }
  const people = alerts.filter(({ severity }) => severity !== 'info')
  const isCritical = people.some(({ severity }) => severity === 'critical')
  const unknown = gauge(metrics, 'quittance_unknown_payments') ?? 0
  const tone: Tone = isCritical ? 'bad' : people.length > 0 ? 'warn' : 'good'
  return (
    <div className={`verdict ${tone}`} role="status">
      <span className="sign" aria-hidden="true">
        {tone === 'good' ? '✓' : '!'}
      </span>
      <div>
        <strong>
          {people.length === 0
            ? 'Money is safe. Nobody is needed.'
            : `${count(people.length, 'matter')} ${people.length === 1 ? 'needs' : 'need'} a person.`}
        </strong>
        <span>
          {unknown === 0
            ? 'Of every payment it is known whether money moved.'
            : `${count(unknown, 'payment')} with an unknown outcome ${unknown === 1 ? 'is' : 'are'} being looked up; nothing is paid twice meanwhile.`}
        </span>
      </div>
    </div>
  )
}

const alertTones: Readonly<Record<Alert['severity'], Tone>> = {
  critical: 'bad',
  warning: 'warn',
  info: 'info',
}

/** Where a person does something about it. */
const places: Partial<Record<Alert['kind'], readonly [href: string, text: string]>> = {
  dead_letter: ['/dead-letters', 'Open the dead letters'],
  approval_required: ['/approvals', 'Open the approvals'],
  possible_duplicate: ['/payments?hold=possible_duplicate', 'Show them'],
  action_required: ['/payments?hold=action_required', 'Show them'],
  processor_changed: ['/payments?hold=processor_changed', 'Show them'],
  breaker_open: ['/processors', 'Open the processors'],
  processor_paused: ['/processors', 'Open the processors'],
  store_set_back: ['/recovery', 'Recover it'],
  reconciliation_break: ['/reconciliation', 'Open the reconciliation'],
}

function NeedsPerson({ of }: { readonly of: ReturnType<typeof useAlerts> }) {
  return (
    <Shown of={of} what="the alerts">
      {({ data }) =>
        data.length === 0 ? null : (
          <section aria-label="Needs a person">
            <h2 className="section">Needs a person</h2>
            <ul className="matters">
              {data.toSorted(bySeverity).map((alert) => (
                <Matter key={alert.id} alert={alert} />
              ))}
            </ul>
          </section>
        )
      }
    </Shown>
  )
}

const order = ['critical', 'warning', 'info']
const bySeverity = (a: Alert, b: Alert): number =>
  order.indexOf(a.severity) - order.indexOf(b.severity) || (a.last_at < b.last_at ? 1 : -1)

function Matter({ alert }: { readonly alert: Alert }) {
  const place = places[alert.kind]
  const about = [alert.subject, words(alert.detail)].filter((each) => each != null && each !== '')
  return (
    <li className={`matter ${alertTones[alert.severity]}`}>
      <div>
        <p className="matter-title">
          <Badge tone={alertTones[alert.severity]}>{alert.severity}</Badge>
          <strong>{alert.title}</strong>
          {about.length > 0 && <span className="quiet">{about.join(', ')}</span>}
          <span className="quiet">
            {alert.count > 1 && `${alert.count} times, `}
            <Ago at={alert.first_at} />
          </span>
        </p>
        <p>
          <b>Do:</b> {alert.todo}
        </p>
        <p className="quiet">
          <b>Done already:</b> {alert.did}
        </p>
        {alert.payment_ids.length > 0 && (
          <p className="ids">
            {alert.payment_ids.map((id) => (
              <PaymentLink key={id} id={id} />
            ))}
          </p>
        )}
      </div>
      {place !== undefined && (
        <Link href={place[0]} className="button">
          {place[1]}
        </Link>
      )}
    </li>
  )
}

// ── The figures ──────────────────────────────────────────────────────────────────────────────────

function Standing({
  samples,
  breaks,
}: {
  readonly samples: readonly Sample[]
  readonly breaks: Page<Break> | undefined
}) {
  const unknown = gauge(samples, 'quittance_unknown_payments') ?? 0
  const oldest = gauge(samples, 'quittance_unknown_oldest_seconds') ?? 0
  const letters = gauge(samples, 'quittance_dead_letters') ?? 0
  const lag = Math.max(
    0,
    ...find(samples, 'quittance_outbox_lag_seconds').map(({ value }) => value),
  )
  const due = gauge(samples, 'quittance_due_oldest_seconds') ?? 0
  const open = breaks?.data.length ?? 0
  return (
    <div className="tiles">
      <Tile
        name="Unknown outcomes"
        value={unknown}
        tone={unknown > 0 ? 'warn' : 'good'}
        href="/payments?operation=unknown"
      >
        {unknown > 0 ? `oldest for ${duration(oldest * 1_000)}` : 'all are known'}
      </Tile>
      <Tile
        name="Dead letters"
        value={letters}
        tone={letters > 0 ? 'bad' : 'good'}
        href="/dead-letters"
      >
        {letters > 0 ? 'wait for your word' : 'none wait'}
      </Tile>
      <Tile
        name="Open breaks"
        value={breaks?.cursor == null ? open : `${open}+`}
        tone={open > 0 ? 'bad' : 'good'}
        href="/reconciliation"
      >
        {open > 0 ? 'the books differ' : 'the books agree'}
      </Tile>
      <LastRun />
      <Tile
        name="Outbox lag"
        value={lag < 1 ? '0 s' : duration(lag * 1_000)}
        tone={lag > 60 ? 'warn' : 'good'}
      >
        oldest event not taken
      </Tile>
      <Tile
        name="Longest overdue"
        value={due < 1 ? '0 s' : duration(due * 1_000)}
        tone={due > 30 ? 'warn' : 'good'}
      >
        next step of a payment
      </Tile>
    </div>
  )
}

function LastRun() {
  const { data } = useQuery({
    queryKey: ['runs', 'last'],
    queryFn: () => get<Page<Reconciliation>>('/v1/reconciliations?limit=1'),
  })
  const [run] = data?.data ?? []
  if (run === undefined) {
    return (
      <Tile name="Reconciliation" value="–" tone="quiet" href="/reconciliation">
        no run yet
      </Tile>
    )
  }
  const rate = run.match_rate === null ? '–' : percent(run.match_rate)
  const isFine = run.status !== 'failed' && (run.match_rate === null || run.match_rate === 1)
  return (
    <Tile
      name="Reconciliation"
      value={run.status === 'failed' ? 'failed' : rate}
      tone={isFine ? 'good' : 'bad'}
      href="/reconciliation"
    >
      {run.status === 'running' ? (
        'running now'
      ) : (
        <>
          matched, <Ago at={run.ended_at ?? run.started_at} />
        </>
      )}
    </Tile>
  )
}

function Tile({
  name,
  value,
  tone,
  href,
  children,
}: {
  readonly name: string
  readonly value: string | number
  readonly tone: Tone
  readonly href?: string
  readonly children: ReactNode
}) {
  const inside = (
    <>
      <span className="tile-name">{name}</span>
      <span className="tile-value">{value}</span>
      <span className="tile-note">{children}</span>
    </>
  )
  const look = `tile ${tone}`
  return href === undefined ? (
    <div className={look}>{inside}</div>
  ) : (
    <Link href={href} className={look}>
      {inside}
    </Link>
  )
}

// ── How busy it is ───────────────────────────────────────────────────────────────────────────────

function StopSwitchButton() {
  const { data } = useQuery({ queryKey: ['stop'], queryFn: () => get<StopSwitch>('/v1/stop') })
  if (data === undefined) return null
  const isStopped = data.stopped !== null
  return isStopped ? (
    <Act
      label="Start again"
      tone="primary"
      about="Payments go on from where they stand."
      act={async ({ reason }) => {
        await post('/v1/start', { body: { reason } })
        return 'Payments go on.'
      }}
    />
  ) : (
    <Act
      label="Stop everything"
      tone="danger"
      about="No new payment is taken and no call that moves money is made, until somebody starts again. What is already out is still looked up."
      act={async ({ reason }) => {
        await post('/v1/stop', { body: { reason } })
        tell('No call that moves money is made any more.', 'warn')
        return 'Everything is stopped.'
      }}
    />
  )
}
