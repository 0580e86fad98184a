// The HTTP API as the console uses it: the cookie is its token, a header of its own marks what it asks,
// and every refusal is a problem that says what to do.
import type { Problem as ApiProblem } from '../../src/client/types.ts'

export interface Session {
  readonly signed_in: boolean
  readonly name: string | null
  readonly role: 'operator' | 'viewer' | null
  readonly expires_at: string | null
  readonly sandbox: boolean
}

export interface Page<Item> {
  readonly data: readonly Item[]
  readonly cursor: string | null
}

/** What went wrong, with the words of the service. */
export class Refused extends Error {
  readonly problem: Pick<ApiProblem, 'code' | 'status' | 'title' | 'detail'>

  constructor(problem: Refused['problem']) {
    super(`${problem.title}. ${problem.detail}`)
    this.problem = problem
  }
}

const ownHeader = { 'x-quittance-console': '1' }

const signedOut = new EventTarget()

/** Called when the service does not know our session any more. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.addEventListener('out', listener)
  return () => signedOut.removeEventListener('out', listener)
}

export type Query = Readonly<Record<string, string | number | null | undefined>>

export function pathWith(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value != null && value !== '') search.set(name, String(value))
  }
  return search.size === 0 ? path : `${path}?${search}`
}

export const get = <T>(path: string): Promise<T> => ask<T>('GET', path)

export async function getText(path: string): Promise<string> {
  const response = await send('GET', path, {})
  return response.text()
}

interface Sent {
  readonly body?: unknown
  readonly version?: number
}

export const post = <T>(path: string, sent: Sent = {}): Promise<T> => ask<T>('POST', path, sent)
export const signIn = (token: string) => post<Session>('/console/session', { body: { token } })
export const signOut = () => ask<Session>('DELETE', '/console/session')

async function ask<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
  const response = await send(method, path, sent)
  return (await response.json()) as T // the service's schemas say what it is
}

async function send(method: string, path: string, { body, version }: Sent): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: {
      ...ownHeader,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(version === undefined ? {} : { 'if-match': String(version) }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  }).catch(() => null)
  if (response === null) throw new Refused(unreachable)
  if (response.ok) return response
  if (response.status === 401 && path !== '/console/session') {
    signedOut.dispatchEvent(new Event('out'))
  }
  throw new Refused(await problemOf(response))
}

const unreachable = {
  code: 'no_answer',
  status: 0,
  title: 'The service does not answer',
  detail: 'What was asked may have been done. The console tries again by itself.',
}

async function problemOf(response: Response): Promise<Refused['problem']> {
  const body: unknown = await response.json().catch(() => null)
  if (typeof body === 'object' && body !== null && 'title' in body && 'detail' in body) {
    return body as Refused['problem']
  }
  const title = `The service answered ${response.status}`
  return { code: 'unreadable', status: response.status, title, detail: 'Without saying why.' }
}
