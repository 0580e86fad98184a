// The door: an operator's or a viewer's token becomes a session, and is forgotten by the page.
import { useEffect, useState } from 'react'
import type { FormEvent } from 'react'

import { signIn } from '../api.ts'
import type { Session } from '../api.ts'
import { Failed } from '../ui.tsx'

export function SignIn({
  wasIn,
  onSignedIn,
}: {
  readonly wasIn: boolean
  readonly onSignedIn: (session: Session) => void
}) {
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    document.title = 'Sign in · Quittance'
  }, [])
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget).get('token')
    setBusy(true)
    try {
      onSignedIn(await signIn(typeof token === 'string' ? token.trim() : ''))
    } catch (caught) {
      setError(caught)
      setBusy(false)
    }
  }
  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <svg viewBox="0 0 32 32" width="44" height="44" aria-hidden="true">
          <rect width="32" height="32" rx="8" className="mark" />
          <circle cx="15" cy="15" r="7" fill="none" stroke="#fff" strokeWidth="3" />
          <path d="m18 18 6 6" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
        </svg>
        <h1>Quittance console</h1>
        <p className="about">Payments that happen once or not at all, and say which.</p>
        {wasIn && (
          <p className="state" role="status">
            The service does not know this session any more. Sign in again.
          </p>
        )}
        <label className="field">
          <span>Operator token</span>
          <input name="token" type="password" autoComplete="current-password" required />
        </label>
        {error !== null && <Failed error={error} what="Signing in" />}
        <button type="submit" className="primary" disabled={isBusy}>
          {isBusy ? 'Signing in …' : 'Sign in'}
        </button>
        <p className="hint">
          <code>npm start</code> prints the token at its first start and keeps it in{' '}
          <code>.quittance/tokens.json</code>.
        </p>
      </form>
    </main>
  )
}
