// Sessions of the console: who signed in with which right, kept in memory under the hash of a random
// id. A restart forgets them, and people sign in again; nothing that could be stolen is on disk.
import { createHash, randomBytes } from 'node:crypto'

/** A person at the console. A viewer reads what operators read, and changes nothing. */
export interface Person {
  readonly role: 'operator' | 'viewer'
  readonly name: string
}

export interface Session extends Person {
  readonly expiresAtMs: number
}

export interface Sessions {
  /** The id goes into the cookie and is known nowhere else. */
  readonly begin: (person: Person, nowMs: number) => { readonly id: string } & Session
  /** `null`: there is none, or it has expired. */
  readonly find: (id: string, nowMs: number) => Session | null
  readonly end: (id: string) => void
}

/** A working day: who comes back tomorrow signs in again. */
const lastsMs = 12 * 3_600_000

/** More than a team opens in a day; past it the oldest is signed out. */
const maxSessions = 200

const idPattern = /^[\w-]{43}$/

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>()
  return Object.freeze<Sessions>({
    begin({ role, name }, nowMs) {
      for (const [key, { expiresAtMs }] of sessions) {
        if (expiresAtMs <= nowMs || sessions.size >= maxSessions) sessions.delete(key)
      }
      const id = randomBytes(32).toString('base64url')
      const session = { role, name, expiresAtMs: nowMs + lastsMs }
      sessions.set(hash(id), session)
      return { id, ...session }
    },
    find(id, nowMs) {
      if (!idPattern.test(id)) return null
      const session = sessions.get(hash(id)) ?? null
      // A clock that was set back must not make a session last longer than it was given.
      const isIn = session !== null && nowMs < session.expiresAtMs
      return isIn && session.expiresAtMs - nowMs <= lastsMs ? session : null
    },
    end: (id) => void sessions.delete(hash(id)),
  })
}

const hash = (id: string): string => createHash('sha256').update(id).digest('hex')

/** Cookies belong to a host, whatever its port. */
const cookieName = 'quittance_session'

export function readSessionId(cookies: string | null): string | null {
  for (const cookie of (cookies ?? '').split(';')) {
    const [name = '', value = ''] = cookie.trim().split('=', 2)
    if (name === cookieName) return value
  }
  return null
}

/** Scripts cannot read it, and no other site can make a browser send it. */
export function sessionCookie(id: string, maxAgeSeconds: number, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : ''
  return `${cookieName}=${id}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`
}
