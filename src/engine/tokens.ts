// The tokens of one agent: issued, rotated with two valid at once, revoked. Each act is written in one
// commit with its line of the audit; a token itself is shown by whoever called, once, and stored nowhere.
import { isValid, maxTokens, tokenListKey } from '../core/access.ts'
import type { ListedToken, Scope } from '../core/access.ts'
import type { AuditRow } from '../core/control.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action, Row } from '../ports.ts'
import { recordAct } from './audit.ts'
import type { Act } from './control.ts'
import type { Engine } from './engine.ts'
import { hashToken, listOf, makeToken, newToken, putList } from './identity.ts'

export type Issued =
  | { readonly token: string; readonly facts: ListedToken; readonly rejection?: never }
  | { readonly rejection: Rejection }

/** Tries of a write that another operator's collides with. */
const maxConflicts = 10

/** `null`: there is no such agent. The newest comes first. */
export async function listTokens(
  engine: Engine,
  agentId: string,
): Promise<readonly ListedToken[] | null> {
  const read = await readList(engine, agentId)
  return read === null ? null : listOf(read.list).toReversed()
}

export function issueToken(
  engine: Engine,
  agentId: string,
  given: { readonly expiresAtMs: number | null; readonly scopes: readonly Scope[] | null },
  act: Act,
): Promise<Issued> {
  const token = makeToken('agent')
  return changeTokens(engine, agentId, 'token_add', act, (list) => {
    const made = newToken(engine, agentId, hashToken(token), given, list)
    return { ...made, token }
  })
}

/** A new token with the same scopes; the old one is valid for so long yet, and never longer than it was. */
export function rotateToken(
  engine: Engine,
  agentId: string,
  tokenId: string,
  overlapMs: number,
  act: Act,
): Promise<Issued> {
  const token = makeToken('agent')
  return changeTokens(engine, agentId, 'token_rotate', act, (list, nowMs) => {
    const old = listOf(list).find(({ id }) => id === tokenId)
    if (old === undefined) return { rejection: noSuchToken }
    if (!isValid(old, nowMs)) {
      return { rejection: reject('not_found', 'This token has ended; issue a new one.') }
    }
    // The new one lives as long as the old one was meant to when it was made.
    const lifeMs = old.expiresAtMs == null ? null : old.expiresAtMs - old.createdAtMs
    const made = newToken(
      engine,
      agentId,
      hashToken(token),
      { expiresAtMs: lifeMs === null ? null : nowMs + lifeMs, scopes: old.scopes ?? null },
      list,
    )
    const expiresAtMs = Math.min(nowMs + overlapMs, old.expiresAtMs ?? Infinity)
    const ending = { ...old, expiresAtMs }
    const tokens = [...others(list, tokenId), ending, made.facts]
    const [own] = made.actions
    const actions = [own, rowOf(agentId, ending), putList(agentId, tokens, list, nowMs)]
    return { token, facts: made.facts, actions: actions.filter((each) => each !== undefined) }
  })
}

/** From the next request on nobody comes in with it. Once more changes nothing. */
export async function revokeToken(
  engine: Engine,
  agentId: string,
  tokenId: string,
  act: Act,
): Promise<
  { readonly facts: ListedToken; readonly rejection?: never } | { readonly rejection: Rejection }
> {
  return changeTokens(engine, agentId, 'token_revoke', act, (list, nowMs) => {
    const old = listOf(list).find(({ id }) => id === tokenId)
    if (old === undefined) return { rejection: noSuchToken }
    if (old.revokedAtMs != null) return { token: '', facts: old, actions: [] }
    const facts = { ...old, revokedAtMs: nowMs }
    const tokens = listOf(list).map((each) => (each.id === tokenId ? facts : each))
    const actions = [rowOf(agentId, facts), putList(agentId, tokens, list, nowMs)]
    return { token: '', facts, actions }
  })
}

const noSuchAgent = reject('not_found', 'There is no such agent; GET /v1/agents lists them.')
const noSuchToken = reject('not_found', 'This agent has no such token; its tokens can be listed.')

interface Change {
  readonly token: string
  readonly facts: ListedToken
  /** None: it is so already. */
  readonly actions: readonly Action[]
  readonly rejection?: never
}

type Decided = Change | { readonly rejection: Rejection }

async function changeTokens(
  engine: Engine,
  agentId: string,
  act: AuditRow['act'],
  { by, reason }: Act,
  decide: (list: Row<'token'> | null, nowMs: number) => Decided,
): Promise<Issued> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const read = await readList(engine, agentId)
    if (read === null) return { rejection: noSuchAgent }
    const nowMs = engine.time.nowMs(0)
    const valid = listOf(read.list).filter((each) => isValid(each, nowMs)).length
    if (act !== 'token_revoke' && valid >= maxTokens) return { rejection: tooMany }
    const decided = decide(read.list, nowMs)
    if (decided.rejection !== undefined) return decided
    const { token, facts, actions } = decided
    if (actions.length === 0) return { token, facts }
    const audit = { act, target: agentId, by, reason: `${reason} (${facts.id})` }
    const stored = await recordAct(engine, audit, actions)
    if (stored === 'stored') return { token, facts }
    if (stored !== 'conflict') return { rejection: stored }
  }
  return { rejection: reject('retry_same_key', 'Others change these tokens now; look again.') }
}

const tooMany = reject(
  'invalid_request',
  `This agent has ${maxTokens} valid tokens; revoke one of them first.`,
)

async function readList(
  engine: Engine,
  agentId: string,
): Promise<{ readonly list: Row<'token'> | null } | null> {
  const [agent, list] = await engine.store.read([
    { table: 'agent', key: agentId },
    { table: 'token', key: tokenListKey(agentId) },
  ])
  return agent === null ? null : { list }
}

const others = (list: Row<'token'> | null, tokenId: string): readonly ListedToken[] =>
  listOf(list).filter(({ id }) => id !== tokenId)

/** The list's version fences the row: whoever writes one of these rows writes the list as well. */
function rowOf(agentId: string, { hash, ...facts }: ListedToken): Action {
  const value = { role: 'agent', subject: agentId, ...facts } as const
  return { do: 'put', table: 'token', key: hash, value, if: null }
}
