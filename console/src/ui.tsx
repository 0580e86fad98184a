// The small parts that all screens are made of.
import { useEffect, useState, useSyncExternalStore } from 'react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'

import type { Payment } from '../../src/client/types.ts'
import { Refused } from './api.ts'
import { ago, when, words } from './format.ts'
import { useSettings } from './settings.tsx'

export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'quiet'

export function Screen({
  title,
  about,
  actions,
  children,
}: {
  readonly title: string
  readonly about?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Quittance`
  }, [title])
  return (
    <>
      <header className="screen-head">
        <div>
          <h1>{title}</h1>
          {about !== undefined && <p className="about">{about}</p>}
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </header>
      {children}
    </>
  )
}

export function Card({
  title,
  aside,
  children,
  className = '',
}: {
  readonly title?: string
  readonly aside?: ReactNode
  readonly children: ReactNode
  readonly className?: string
}) {
  return (
    <section className={`card ${className}`} aria-label={title}>
      {title !== undefined && (
        <div className="card-head">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  )
}

export const Loading = ({ what }: { readonly what: string }) => (
  <p className="state" role="status">
    <span className="spinner" aria-hidden="true" /> Loading {what} …
  </p>
)

export const Empty = ({ children }: { readonly children: ReactNode }) => (
  <p className="state empty">{children}</p>
)

export function Failed({ error, what }: { readonly error: unknown; readonly what: string }) {
  const { code, title, detail } =
    error instanceof Refused
      ? error.problem
      : { code: 'fault', title: 'The console has a fault', detail: String(error) }
  // A service of another version may not have the route: nothing is broken by that.
  if (code === 'not_found') {
    return <Empty>This service does not tell {what}.</Empty>
  }
  return (
    <div className="state failed" role="alert">
      <strong>
        {what}: {title}.
      </strong>{' '}
      {detail} <code>{code}</code>
    </div>
  )
}

/** What was asked for, or why it is not there; nothing is hidden while it is asked for again. */
export function Shown<T>({
  of,
  what,
  children,
}: {
  readonly of: { readonly data: T | undefined; readonly error: unknown }
  readonly what: string
  readonly children: (data: T) => ReactNode
}) {
  if (of.data === undefined) {
    return of.error == null ? <Loading what={what} /> : <Failed error={of.error} what={what} />
  }
  return (
    <>
      {of.error != null && <Failed error={of.error} what={`${what} may be out of date`} />}
      {children(of.data)}
    </>
  )
}

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>
}

const stateTones: Readonly<Record<Payment['state'], Tone>> = {
  initiated: 'info',
  validated: 'info',
  authorised: 'info',
  captured: 'good',
  settled: 'good',
  refunded: 'quiet',
  declined: 'warn',
  rejected: 'warn',
  voided: 'quiet',
  expired: 'quiet',
}

/** `short`: one word for what is most urgent, where there is little room. */
export function StateBadge({
  payment,
  short = false,
}: {
  readonly payment: Payment
  readonly short?: boolean
}) {
  const isUnknown = payment.money_moved === 'unknown'
  return (
    <span className="badges">
      <Badge tone={stateTones[payment.state]}>{payment.state}</Badge>
      {isUnknown && <Badge tone="bad">{short ? 'unknown' : 'outcome unknown'}</Badge>}
      {payment.hold !== null && !(short && isUnknown) && (
        <Badge tone="warn">{words(payment.hold.reason)}</Badge>
      )}
    </span>
  )
}

/** In the zone that was chosen; the other one when it is pointed at. */
export function Time({ at, ms = false }: { readonly at: string; readonly ms?: boolean }) {
  const { zone } = useSettings()
  const other = zone === 'UTC' ? 'local' : 'UTC'
  return (
    <time dateTime={at} title={`${other}: ${when(at, other, true)}`}>
      {when(at, zone, ms)}
    </time>
  )
}

export function Ago({ at }: { readonly at: string }) {
  const now = useNow()
  const { zone } = useSettings()
  return (
    <time dateTime={at} title={when(at, zone)}>
      {ago(at, now)}
    </time>
  )
}

function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

export const PaymentLink = ({ id }: { readonly id: string }) => (
  <Link href={`/payments/${id}`} className="id" title={id}>
    pay_…{id.slice(-6)}
  </Link>
)

export function Facts({ of }: { readonly of: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? '–'}</dd>
        </div>
      ))}
    </dl>
  )
}

export function Table({
  caption,
  heads,
  children,
}: {
  readonly caption: string
  readonly heads: readonly string[]
  readonly children: ReactNode
}) {
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="quiet-to-see">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}

// ── What has just been done, said once ───────────────────────────────────────────────────────────

interface Notice {
  readonly id: number
  readonly tone: Tone
  readonly text: string
}

let notices: readonly Notice[] = []
let lastNotice = 0
const listeners = new Set<() => void>()

const noticeLastsMs = 8_000

export function tell(text: string, tone: Tone = 'good'): void {
  lastNotice += 1
  const id = lastNotice
  setNotices([...notices.slice(-2), { id, tone, text }])
  setTimeout(() => setNotices(notices.filter((each) => each.id !== id)), noticeLastsMs)
}

function setNotices(next: readonly Notice[]): void {
  notices = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Notices() {
  const shown = useSyncExternalStore(subscribe, () => notices)
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown.map(({ id, tone, text }) => (
        <p key={id} className={`notice ${tone}`}>
          {text}
        </p>
      ))}
    </div>
  )
}
