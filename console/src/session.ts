// Who is signed in, for whatever is shown only to some.
import { createContext, useContext } from 'react'

import type { Session } from './api.ts'

export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('nobody is signed in')
  return session
}

export const useMayAct = (): boolean => useSession().role === 'operator'
