// Who is calling: tokens are kept as hashes, and looked up by hash, so that neither the file nor the
// time of a comparison gives one away. SHA-256 is right here: a token is 32 random bytes, which nobody can
// guess, and a slow hash would only help where people choose the secret.
import { createHash, randomBytes } from 'node:crypto'

import { isValid, maxListed, tokenListKey } from '../core/access.ts'
import type { AgentRow, ListedToken, Scope, TokenFacts, Visibility } from '../core/access.ts'
import type { Action, Row } from '../ports.ts'
import type { Engine } from './engine.ts'

export type Role = 'agent' | 'operator'

export type Identity =
  | {
      readonly role: 'agent'
      readonly agent: string
      readonly account: string
      /** Left out: all of them. */
      readonly scopes?: readonly Scope[]
      /** Left out: `account`. */
      readonly visibility?: Visibility
    }
  | { readonly role: 'operator'; readonly name: string }

/** Tokens are 32 random bytes; longer text than this is none of ours. */
const maxTokenLength = 512

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A new token with its role as prefix, so that a leaked one can be recognised. */
export function makeToken(role: Role): string {
  return `qt_${role}_${randomBytes(32).toString('base64url')}`
}

/** What finding out who calls needs. */
export interface Directory {
  readonly store: Pick<Engine['store'], 'read'>
  readonly time: Pick<Engine['time'], 'nowMs'>
}

/** Whose token is it? `null`: nobody's, or not any more. Rejects where the store cannot be read. */
export async function identify(directory: Directory, token: string): Promise<Identity | null> {
  if (token.length === 0 || token.length > maxTokenLength) return null
  const [row] = await directory.store.read([{ table: 'token', key: hashToken(token) }])
  if (row === null || !('role' in row.value)) return null
  if (!isValid(row.value, directory.time.nowMs(0))) return null
  const { role, subject, scopes = null } = row.value
  return role === 'operator' ? { role, name: subject } : identifyAgent(directory, subject, scopes)
}

/** For whom something else than a token of ours has spoken. `null`: there is no such agent. */
export async function identifyAgent(
  { store }: Pick<Directory, 'store'>,
  agentId: string,
  scopes: readonly Scope[] | null,
): Promise<Identity | null> {
  const [row] = await store.read([{ table: 'agent', key: agentId }])
  if (row === null) return null
  const { account, visibility = 'account' } = row.value
  return {
    role: 'agent',
    agent: agentId,
    account,
    ...(scopes === null ? {} : { scopes }),
    ...(visibility === 'account' ? {} : { visibility }),
  }
}

/**
 * Gives an agent a token, and makes it and its account where they are new; with a line of the audit where
 * somebody asked for it. False: the token is in use.
 */
export async function addAgent(
  engine: Engine,
  agent: AgentRow,
  token: string,
  by: string | null = null,
): Promise<boolean> {
  const hash = hashToken(token)
  for (;;) {
    const [known, account, held, list] = await engine.store.read([
      { table: 'agent', key: agent.id },
      { table: 'account', key: agent.account },
      { table: 'token', key: hash },
      { table: 'token', key: tokenListKey(agent.id) },
    ])
    if (held !== null) return false
    const absent = { absent: true } as const
    const { actions: made, facts } = newToken(engine, agent.id, hash, {}, list)
    const actions: Action[] = [...made]
    if (by !== null) actions.push(auditOf(engine, agent.id, by, facts))
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

function auditOf(engine: Engine, target: string, by: string, { id }: ListedToken): Action {
  const atMs = engine.time.nowMs(0)
  const value = {
    act: 'token_add',
    target,
    by,
    reason: `a token was asked for (${id})`,
    atMs,
  } as const
  const key = engine.ids.next('aud', atMs)
  return { do: 'put', table: 'audit', key, value, if: { absent: true } }
}

/** The token's own row, and its line in the list of its agent's. */
export function newToken(
  engine: Engine,
  agentId: string,
  hash: string,
  given: Pick<TokenFacts, 'expiresAtMs' | 'scopes'>,
  list: Row<'token'> | null,
): { readonly facts: ListedToken; readonly actions: readonly Action[] } {
  const createdAtMs = engine.time.nowMs(0)
  const facts = { ...given, createdAtMs, id: engine.ids.next('tok', createdAtMs) }
  const value = { role: 'agent', subject: agentId, ...facts } as const
  const listed = { ...facts, hash }
  const tokens = [...listOf(list), listed]
  return {
    facts: listed,
    actions: [
      { do: 'put', table: 'token', key: hash, value, if: { absent: true } },
      putList(agentId, tokens, list, createdAtMs),
    ],
  }
}

export const listOf = (row: Row<'token'> | null): readonly ListedToken[] =>
  row !== null && 'tokens' in row.value ? row.value.tokens : []

/** The oldest of those that have ended are forgotten; what is valid never is. */
export function putList(
  agentId: string,
  tokens: readonly ListedToken[],
  before: Row<'token'> | null,
  nowMs: number,
): Action {
  let tooMany = tokens.length - maxListed
  const kept = tokens.filter((each) => isValid(each, nowMs) || (tooMany -= 1) < 0)
  return {
    do: 'put',
    table: 'token',
    key: tokenListKey(agentId),
    value: { tokens: kept },
    if: before === null ? { absent: true } : { version: before.version },
  }
}

/** Gives an operator's name a token. False: this token is already in use. */
export function addOperator(engine: Engine, name: string, token: string): Promise<boolean> {
  const value = { role: 'operator', subject: name, createdAtMs: engine.time.nowMs(0) } as const
  const key = hashToken(token)
  return commits(engine, [{ do: 'put', table: 'token', key, value, if: { absent: true } }])
}

async function commits(engine: Engine, actions: readonly Action[]): Promise<boolean> {
  const commitId = engine.ids.next('cmt', engine.time.nowMs(0))
  const committed = await engine.store.commit({ commitId, actions })
  if (committed.result === 'unknown') throw new Error(`the store did not answer: ${committed.why}`)
  return committed.result === 'committed'
}
