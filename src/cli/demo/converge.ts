// After the agents: waits until nothing is open, with an operator who takes up dead letters, and then
// reads everything that Quittance shows.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Client, ListResult, Payment, PaymentEvent } from '../../client/index.ts'
import { Stop, exitCodes } from '../exit.ts'

const pollMs = 250
const openStates = ['initiated', 'validated', 'authorised']

/** An operator looks at a dead letter so often before it stays where it is. */
const maxRedrives = 3

/** `stillOpen` after `withinMs`. */
export async function converge(
  operator: Client,
  withinMs: number,
  { redrives: mayRedrive }: { readonly redrives: boolean },
): Promise<{ readonly stillOpen: number }> {
  const untilMs = performance.now() + withinMs
  const redrives = new Map<string, number>()
  for (;;) {
    const lists = await Promise.all(openStates.map((state) => operator.list({ state, limit: 100 })))
    const stillOpen = lists.flatMap((list) => expect(list).payments).length
    if (stillOpen === 0 || performance.now() > untilMs) return { stillOpen }
    if (!mayRedrive) {
      await sleep(pollMs)
      continue
    }
    for (const letter of expect(await operator.deadLetters({ limit: 100 })).payments) {
      const count = redrives.get(letter.id) ?? 0
      if (count >= maxRedrives) continue
      redrives.set(letter.id, count + 1)
      await operator.redrive(letter.id, {
        reason: 'the processor answers again',
        version: letter.version,
      })
    }
    await sleep(pollMs)
  }
}

export interface Shown {
  readonly payments: readonly Payment[]
  /** By payment. */
  readonly events: ReadonlyMap<string, readonly PaymentEvent[]>
}

export async function readAll(operator: Client): Promise<Shown> {
  const payments: Payment[] = []
  for (let cursor: string | null = null; ;) {
    const page: Extract<ListResult, { ok: true }> = expect(
      await operator.list({ limit: 100, ...(cursor === null ? {} : { cursor }) }),
    )
    payments.push(...page.payments)
    cursor = page.cursor
    if (cursor === null) break
  }
  const events = new Map<string, readonly PaymentEvent[]>()
  const queue = payments.values()
  const reader = async (): Promise<void> => {
    for (const { id } of queue) {
      const found = await operator.events(id)
      if (found.ok) events.set(id, found.events)
    }
  }
  await Promise.all(Array.from({ length: 8 }, reader))
  return { payments, events }
}

function expect(list: ListResult): Extract<ListResult, { ok: true }> {
  if (list.ok) return list
  throw new Stop(
    exitCodes.failed,
    `The service does not answer the operator: ${list.problem.detail}`,
  )
}
