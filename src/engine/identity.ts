// Who is calling: tokens are kept as hashes, and looked up by hash, so that neither the file nor the
// time of a comparison gives one away.
import { createHash, randomBytes } from 'node:crypto'

import type { AgentRow, TokenRow } from '../core/mandate.ts'
import type { Action } from '../ports.ts'
import type { Engine } from './engine.ts'

export type Identity =
  | { readonly role: 'agent'; readonly agent: string; readonly account: string }
  | { readonly role: 'operator'; readonly name: string }

/** Tokens are 32 random bytes; longer text than this is none of ours. */
const maxTokenLength = 512

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A new token with its role as prefix, so that a leaked one can be recognised. */
export function makeToken(role: TokenRow['role']): string {
  return `qt_${role}_${randomBytes(32).toString('base64url')}`
}

/** Whose token is it? `null`: nobody's. Rejects where the store cannot be read. */
export async function identify(
  engine: { readonly store: Pick<Engine['store'], 'read'> },
  token: string,
): Promise<Identity | null> {
  if (token.length === 0 || token.length > maxTokenLength) return null
  const [row] = await engine.store.read([{ table: 'token', key: hashToken(token) }])
  if (row === null) return null
  const { role, subject } = row.value
  if (role === 'operator') return { role, name: subject }
  const [agent] = await engine.store.read([{ table: 'agent', key: subject }])
  return agent === null ? null : { role, agent: subject, account: agent.value.account }
}

/** Gives an agent a token, and makes it and its account where they are new. False: the token is in use. */
export async function addAgent(engine: Engine, agent: AgentRow, token: string): Promise<boolean> {
  for (;;) {
    const [known, account, held] = await engine.store.read([
      { table: 'agent', key: agent.id },
      { table: 'account', key: agent.account },
      { table: 'token', key: hashToken(token) },
    ])
    if (held !== null) return false
    const absent = { absent: true } as const
    const actions: Action[] = [tokenAction(engine, token, 'agent', agent.id)]
    if (known === null) {
      actions.push({ do: 'put', table: 'agent', key: agent.id, value: agent, if: absent })
    }
    if (account === null) {
      const value = { id: agent.account, mandate: null }
      actions.push({ do: 'put', table: 'account', key: agent.account, value, if: absent })
    }
    // A conflict: somebody made the agent, the account or the token meanwhile, so it goes on.
    if (await commits(engine, actions)) return true
  }
}

/** Gives an operator's name a token. False: this token is already in use. */
export function addOperator(engine: Engine, name: string, token: string): Promise<boolean> {
  return commits(engine, [tokenAction(engine, token, 'operator', name)])
}

function tokenAction(
  engine: Engine,
  token: string,
  role: TokenRow['role'],
  subject: string,
): Action {
  const value: TokenRow = { role, subject, createdAtMs: engine.time.nowMs(0) }
  return { do: 'put', table: 'token', key: hashToken(token), value, if: { absent: true } }
}

async function commits(engine: Engine, actions: readonly Action[]): Promise<boolean> {
  const commitId = engine.ids.next('cmt', engine.time.nowMs(0))
  const committed = await engine.store.commit({ commitId, actions })
  if (committed.result === 'unknown') throw new Error(`the store did not answer: ${committed.why}`)
  return committed.result === 'committed'
}
