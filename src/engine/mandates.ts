// What an agent and its account may spend, and what is left of it today.
import { budgetKey, leftUnder, otherBudgetKey } from '../core/mandate.ts'
import type { Limits, Mandate } from '../core/mandate.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action, Row } from '../ports.ts'
import { recordAct } from './audit.ts'
import type { Act } from './control.ts'
import type { Engine } from './engine.ts'

export interface LimitView {
  readonly currency: string
  readonly limits: Limits
  /** Of the day's limit, now; `null` where the day has none. */
  readonly leftToday: number | null
  /** Taken by payments of the day that are not at their end. */
  readonly reservedToday: number
  readonly spentToday: number
  /** Of the month's limit, now; `null` where the month has none. */
  readonly leftThisMonth: number | null
}

export interface MandateView {
  readonly id: string
  /** `null`: nothing binds here. */
  readonly mandate: (Omit<Mandate, 'limits'> & { readonly limits: readonly LimitView[] }) | null
}

export interface Mandates {
  readonly agent: MandateView
  readonly account: MandateView
  /** When the counters of the day begin anew. */
  readonly dayEndsAtMs: number
}

const dayMs = 86_400_000

/** `null`: there is no such agent. */
export async function readMandates(engine: Engine, agentId: string): Promise<Mandates | null> {
  const nowMs = engine.time.nowMs(0)
  const [agent] = await engine.store.read([{ table: 'agent', key: agentId }])
  if (agent === null) return null
  const accountId = agent.value.account
  const [account] = await engine.store.read([{ table: 'account', key: accountId }])
  return {
    agent: await view(engine, 'agent', agentId, agent.value.mandate, nowMs),
    account: await view(engine, 'account', accountId, account?.value.mandate ?? null, nowMs),
    dayEndsAtMs: (Math.floor(nowMs / dayMs) + 1) * dayMs,
  }
}

async function view(
  engine: Engine,
  scope: 'agent' | 'account',
  id: string,
  mandate: Mandate | null,
  nowMs: number,
): Promise<MandateView> {
  if (mandate === null) return { id, mandate: null }
  const listed = Object.entries(mandate.limits)
  const limits: LimitView[] = []
  // The port reads a hundred rows at once; there are more currencies.
  for (let from = 0; from < listed.length; from += 100) {
    const page = listed.slice(from, from + 100)
    const keys = page.map(([currency]) => budgetKey(scope, id, currency, nowMs))
    const ofMonth = page.map(([currency]) =>
      otherBudgetKey('month', scope, id, { currency, payee: '' }, nowMs),
    )
    const rows = await engine.store.read(asKeys(keys))
    const months = await engine.store.read(asKeys(ofMonth))
    for (const [index, [currency, each]] of page.entries()) {
      const row = rows[index]?.value ?? null
      const left = each.perDay === null ? null : Math.max(0, leftUnder(mandate, each.perDay, row))
      // Of a day's limit, all is left, spent or reserved.
      const reserved = row === null ? 0 : Math.max(0, row.limit - row.left - row.spent)
      const perMonth = each.perMonth ?? null
      const month = months[index]?.value ?? null
      const leftThisMonth =
        perMonth === null ? null : Math.max(0, leftUnder(mandate, perMonth, month))
      const today = { leftToday: left, reservedToday: reserved, spentToday: row?.spent ?? 0 }
      limits.push({ currency, limits: each, ...today, leftThisMonth })
    }
  }
  return { id, mandate: { ...mandate, limits } }
}

const asKeys = (keys: readonly string[]) => keys.map((key) => ({ table: 'budget', key }) as const)

// ── Changes ──────────────────────────────────────────────────────────────────────────────────────

/** What an operator asks for; the version follows. */
export type MandateTerms = Omit<Mandate, 'version'>

/** Tries of a write that a suspension or another change of the row collides with. */
const maxConflicts = 10

/**
 * Gives an agent or an account its mandate, or the next version of it, only in place of the version that
 * was shown (0: none). It binds the next claim; what is reserved stays reserved, also above a lower
 * limit. There is no way back to none: versions only grow, because counters are compared by them.
 */
export async function setMandate(
  engine: Engine,
  scope: 'agent' | 'account',
  id: string,
  given: { readonly shown: number; readonly terms: MandateTerms },
  { by, reason }: Act,
): Promise<{ readonly mandate: Mandate } | { readonly rejection: Rejection }> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: scope, key: id }])
    if (row === null) return { rejection: reject('not_found', `There is no such ${scope}.`) }
    const version = row.value.mandate?.version ?? 0
    if (version !== given.shown) {
      const detail = `The mandate of this ${scope} is at version ${version}; look at it again.`
      return { rejection: reject('mandate_changed', detail) }
    }
    const mandate: Mandate = { ...given.terms, version: version + 1 }
    const put = putOf(scope, row, mandate)
    const told = `version ${version + 1}: ${reason}`
    const audit = { act: `mandate_${scope}`, target: id, by, reason: told } as const
    const stored = await recordAct(engine, audit, [put])
    if (stored === 'stored') return { mandate }
    if (stored !== 'conflict') return { rejection: stored }
  }
  return { rejection: reject('retry_same_key', 'Others change it as well; nothing was stored.') }
}

function putOf(
  scope: 'agent' | 'account',
  row: Row<'agent' | 'account'>,
  mandate: Mandate,
): Action {
  const condition = { version: row.version }
  const { value } = row
  const rest = { do: 'put', key: value.id, if: condition } as const
  if (scope === 'agent' && 'account' in value) {
    return { ...rest, table: 'agent', value: { ...value, mandate } }
  }
  if ('account' in value) throw new Error('an account is no agent')
  return { ...rest, table: 'account', value: { ...value, mandate } }
}
