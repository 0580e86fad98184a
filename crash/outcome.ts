// The end of a run: whether what the agents were told, what the store holds and what the processor
// booked are one and the same.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { DemoBill } from '../src/cli/demo/bills.ts'
import { check } from '../src/cli/demo/check.ts'
import type { Verdict } from '../src/cli/demo/check.ts'
import { converge, readAll } from '../src/cli/demo/converge.ts'
import { absenceAfterMs, lateMs } from '../src/cli/demo/killable-service.ts'
import type { Client } from '../src/client/index.ts'
import { readBooks } from './books.ts'
import type { Books } from './books.ts'
import type { KillWorld } from './kill-world.ts'
import type { Load } from './load.ts'
import { webhookRowKey } from './webhook-door.ts'

export interface Outcome {
  readonly payments: number
  readonly captures: number
  readonly acknowledgedKeys: number
  readonly acknowledgedWebhooks: number
  readonly doubleCharges: number
  readonly lost: number
  readonly stuck: number
  /** Sentences; none: all is well. */
  readonly faults: readonly string[]
}

/** Longer than any one bill takes, or any payment with a processor that answers. */
const silentForMs = 60_000

/** Waits for agents and payments, ends the processes, and compares. */
export async function endAndCompare(
  world: KillWorld,
  load: Load,
  bills: readonly DemoBill[],
): Promise<Outcome> {
  const { service, simulator, processor, webhooks, operator, chronicle, acknowledged } = world
  const inTime = await load.settled(silentForMs)
  await allAtEnd(operator)
  // What was on its way to the processor has arrived by then.
  await sleep(lateMs + absenceAfterMs / 2)
  const charges = await processor.charges()
  const { payments } = await readAll(operator)
  await service.end()
  const { acknowledged: told, surprises } = chronicle
  const asked = bills.slice(0, load.asked())
  const verdict = check({ bills: asked, acknowledged: told, surprises, payments, charges })
  await simulator.end('SIGTERM')
  webhooks.close()
  const books = await readBooks(join(world.dataFolder, 'quittance.db'))
  const lost = [
    ...missingKeys(acknowledged, books),
    ...missingWebhooks(webhooks.acknowledged, books),
  ]
  return {
    payments: payments.length,
    captures: verdict.captures,
    acknowledgedKeys: acknowledged.size,
    acknowledgedWebhooks: webhooks.acknowledged.size,
    doubleCharges: verdict.doubleCharges,
    lost: verdict.lost + lost.length,
    stuck: stuckOf(books),
    faults: [
      ...(inTime
        ? []
        : [`${load.asked() - load.done()} bills are not done, and none gets done any more`]),
      ...breaksOf(verdict),
      ...lost,
      // A check that had nothing to look at is no check.
      ...(webhooks.acknowledged.size === 0 ? ['no webhook was acknowledged'] : []),
      ...books.faults,
    ],
  }
}

/** Waits as long as fewer and fewer payments are open. */
async function allAtEnd(operator: Client): Promise<void> {
  for (let before = Infinity; ;) {
    const { stillOpen } = await converge(operator, silentForMs, { redrives: true })
    if (stillOpen === 0 || stillOpen >= before) return
    before = stillOpen
  }
}

const breaksOf = ({ breaks }: Verdict): readonly string[] =>
  breaks.map(({ bill, kind, what }) => `${bill ?? '—'}  ${kind}: ${what}`)

const missingKeys = (
  acknowledged: ReadonlyMap<string, string>,
  { keys, payments }: Books,
): readonly string[] =>
  [...acknowledged].flatMap(([key, id]) =>
    keys.get(key) === id && payments.has(id) ? [] : [`${key} was acknowledged with ${id}: lost`],
  )

const missingWebhooks = (acknowledged: ReadonlySet<string>, { webhooks }: Books) =>
  [...acknowledged].flatMap((id) =>
    webhooks.has(webhookRowKey(id)) ? [] : [`the webhook ${id} was acknowledged: lost`],
  )

const stuckOf = ({ payments }: Books): number =>
  [...payments.values()].filter(({ state }) =>
    ['initiated', 'validated', 'authorised'].includes(state),
  ).length
