// The frame around the screens: who is signed in, where one can go, and what needs a person.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Link, Route, Switch, useLocation, useRoute } from 'wouter'

import type { DeadLetter, StopSwitch } from '../../src/client/operator-types.ts'
import { get, onSignedOut, signOut } from './api.ts'
import type { Page, Session } from './api.ts'
import { RecoveryBanner } from './recovery-banner.tsx'
import { Agents } from './screens/agents.tsx'
import { Approvals } from './screens/approvals.tsx'
import { Audit } from './screens/audit.tsx'
import { DeadLetters } from './screens/dead-letters.tsx'
import { Now } from './screens/now.tsx'
import { OnePayment } from './screens/payment.tsx'
import { Payments } from './screens/payments.tsx'
import { Reconciliation } from './screens/reconciliation.tsx'
import { Sandbox } from './screens/sandbox.tsx'
import { SignIn } from './screens/sign-in.tsx'
import { SessionContext } from './session.ts'
import { useSettings } from './settings.tsx'
import { Loading, Notices } from './ui.tsx'

const Recovery = lazy(async () => ({
  default: (await import('./screens/recovery.tsx')).Recovery,
}))
const Processors = lazy(async () => ({
  default: (await import('./screens/processors.tsx')).Processors,
}))

export function App() {
  const client = useQueryClient()
  const [gone, setGone] = useState(false)
  const { data: session, isPending } = useQuery({
    queryKey: ['session'],
    queryFn: () => get<Session>('/console/session'),
    refetchInterval: 60_000,
  })
  useEffect(
    () =>
      onSignedOut(() => {
        setGone(true)
        client.setQueryData(['session'], (known: Session | undefined) =>
          known === undefined ? known : { ...known, signed_in: false },
        )
      }),
    [client],
  )
  if (isPending) return <Loading what="the console" />
  if (session?.signed_in !== true) {
    return <SignIn wasIn={gone} onSignedIn={(made) => client.setQueryData(['session'], made)} />
  }
  return (
    <SessionContext value={session}>
      <Frame session={session} />
    </SessionContext>
  )
}

function Frame({ session }: { readonly session: Session }) {
  const [path] = useLocation()
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  // Who follows a link by ear hears the new screen, not the menu again.
  useEffect(() => {
    if (first.current) first.current = false
    else main.current?.focus()
    window.scrollTo(0, 0)
  }, [path])
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="side">
        <Brand sandbox={session.sandbox} />
        <Menu session={session} />
        <Person session={session} />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <RecoveryBanner />
        <StopBanner />
        <Suspense fallback={<Loading what="this screen" />}>
          <Switch>
            <Route path="/" component={Now} />
            <Route path="/payments" component={Payments} />
            <Route path="/payments/:id">{({ id }) => <OnePayment id={id} key={id} />}</Route>
            <Route path="/dead-letters" component={DeadLetters} />
            <Route path="/approvals" component={Approvals} />
            <Route path="/reconciliation" component={Reconciliation} />
            <Route path="/agents" component={Agents} />
            <Route path="/processors" component={Processors} />
            <Route path="/sandbox" component={Sandbox} />
            <Route path="/audit" component={Audit} />
            <Route path="/recovery" component={Recovery} />
          </Switch>
        </Suspense>
      </main>
      <Notices />
    </div>
  )
}

function Brand({ sandbox }: { readonly sandbox: boolean }) {
  return (
    <Link href="/" className="brand">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="8" className="mark" />
        <circle cx="15" cy="15" r="7" fill="none" stroke="#fff" strokeWidth="3" />
        <path d="m18 18 6 6" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      </svg>
      <span>Quittance</span>
      {sandbox && <span className="tag">sandbox</span>}
    </Link>
  )
}

function Menu({ session }: { readonly session: Session }) {
  const { data: letters } = useQuery({
    queryKey: ['dead-letters', 'count'],
    queryFn: () => get<Page<DeadLetter>>('/v1/dead-letters?limit=100'),
  })
  const { data: held } = useQuery({
    queryKey: ['approvals', 'count'],
    queryFn: () => get<Page<unknown>>('/v1/payments?hold=approval_required&limit=100'),
  })
  const { data: breaks } = useQuery({
    queryKey: ['breaks', 'count'],
    queryFn: () => get<Page<unknown>>('/v1/breaks?limit=100'),
  })
  return (
    <nav aria-label="Screens">
      <ul>
        <Item to="/">Now</Item>
        <Item to="/payments">Payments</Item>
        <Item to="/dead-letters" badge={badge(letters)}>
          Dead letters
        </Item>
        <Item to="/approvals" badge={badge(held)}>
          Approvals
        </Item>
        <Item to="/reconciliation" badge={badge(breaks)}>
          Reconciliation
        </Item>
        <Item to="/agents">Agents</Item>
        <Item to="/processors">Processors</Item>
        <Item to="/audit">Audit</Item>
        {session.sandbox && <Item to="/sandbox">Sandbox tour</Item>}
      </ul>
    </nav>
  )
}

function badge(page: Page<unknown> | undefined): string | null {
  const count = page?.data.length ?? 0
  if (count === 0) return null
  return page?.cursor == null ? String(count) : `${count}+`
}

function Item({
  to,
  badge: waiting = null,
  children,
}: {
  readonly to: string
  readonly badge?: string | null
  readonly children: ReactNode
}) {
  const [isHere] = useRoute(to === '/' ? '/' : `${to}/*?`)
  return (
    <li>
      <Link href={to} aria-current={isHere ? 'page' : undefined}>
        {children}
        {waiting !== null && (
          <span className="count">
            {waiting}
            <span className="quiet-to-see"> waiting</span>
          </span>
        )}
      </Link>
    </li>
  )
}

function Person({ session }: { readonly session: Session }) {
  const client = useQueryClient()
  const { zone, setZone, theme, setTheme } = useSettings()
  const leave = async () => {
    const left = await signOut().catch(() => null)
    client.clear()
    if (left !== null) client.setQueryData(['session'], left)
  }
  return (
    <div className="person">
      <div className="choices">
        <label>
          <span>Times</span>
          <select value={zone} onChange={(event) => setZone(event.target.value as typeof zone)}>
            <option value="local">Local</option>
            <option value="UTC">UTC</option>
          </select>
        </label>
        <label>
          <span>Look</span>
          <select value={theme} onChange={(event) => setTheme(event.target.value as typeof theme)}>
            <option value="auto">System</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
      </div>
      <div className="who">
        <span>
          <strong>{session.name}</strong>
          <small>{session.role === 'viewer' ? 'may look, not act' : 'operator'}</small>
        </span>
        <button type="button" className="plain" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </div>
  )
}

function StopBanner() {
  const { data } = useQuery({
    queryKey: ['stop'],
    queryFn: () => get<StopSwitch>('/v1/stop'),
  })
  if (data?.stopped == null) return null
  const { by, reason } = data.stopped
  return (
    <div className="banner bad" role="alert">
      <strong>Everything is stopped</strong> by {by}: {reason}.{' '}
      <Link href="/">Start it on Now</Link>.
    </div>
  )
}
