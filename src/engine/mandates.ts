// What an agent and its account may spend, and what is left of it today.
import { budgetKey, leftUnder } from '../core/mandate.ts'
import type { Limits, Mandate } from '../core/mandate.ts'
import type { Engine } from './engine.ts'

export interface LimitView {
  readonly currency: string
  readonly limits: Limits
  /** Of the day's limit, now; `null` where the day has none. */
  readonly leftToday: number | null
  readonly spentToday: number
}

export interface MandateView {
  readonly id: string
  /** `null`: nothing binds here. */
  readonly mandate: { readonly version: number; readonly limits: readonly LimitView[] } | null
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
    const keys = page.map(([currency]) => {
      return { table: 'budget', key: budgetKey(scope, id, currency, nowMs) } as const
    })
    const rows = await engine.store.read(keys)
    for (const [index, [currency, each]] of page.entries()) {
      const row = rows[index]?.value ?? null
      const left = each.perDay === null ? null : Math.max(0, leftUnder(mandate, each.perDay, row))
      limits.push({ currency, limits: each, leftToday: left, spentToday: row?.spent ?? 0 })
    }
  }
  return { id, mandate: { version: mandate.version, limits } }
}
