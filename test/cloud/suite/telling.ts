// What must not be lost although nobody waits for it: events for the bus, alerts for people, and the
// secrets that everything is signed with.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'

import type { Payment } from '../../../src/client/index.ts'
import { until } from '../until.ts'
import { apiKey, webhookSecret } from './setting.ts'
import type { Setting } from './setting.ts'
import type { World } from '../world.ts'

const isPaid = ({ money_moved: moved }: Payment): boolean => moved === 'yes'

type Given = () => Setting

interface Notice {
  readonly kind: string
  readonly status: string
  readonly payment_ids: readonly string[]
  readonly runbook: string
}

/** What the topic's listeners have been told of a kind. */
export const noticesOf = ({ broker }: World, kind: string): readonly Notice[] =>
  broker
    .told()
    .map((body) => JSON.parse(body) as Notice) // written by src/aws/topic.ts
    .filter((notice) => notice.kind === kind)

export function telling(given: Given): void {
  test('events that the stream forgot are on the bus all the same, each of them, from the table', async () => {
    const { agent, bill, pay, becomes, world } = given()
    world.stream.pause(true)
    await until('the stream stands still', world.stream.isStill)
    const ids = await Promise.all(Array.from({ length: 3 }, async () => (await pay(bill())).id))
    await world.stream.trim()
    world.stream.pause(false)
    for (const id of ids) {
      await becomes(id, 'settled')
      const told = await agent.events(id)
      assert.ok(told.ok)
      const wanted = told.events.map(({ seq }) => seq)
      // The claim came by no stream: only the sweep can have published it.
      const isWhole = (): boolean =>
        wanted.every((seq) => world.bus.taken(id).includes(seq)) && wanted.length > 0
      await until(`all events of ${id} are on the bus`, isWhole, { withinMs: 600_000 })
    }
    const bySweep = [...world.meter.details().keys()].some((key) =>
      key.startsWith('event_entries PaymentsSweep'),
    )
    assert.ok(bySweep)
  })

  test('functions that begin while their secrets cannot be read: payments wait, and are paid', async () => {
    const { bill, pay, becomes, world } = given()
    await world.lambda('PaymentsStep').recycle()
    const planted = world.faults.plant({
      kind: 'unavailable',
      service: 'secretsmanager',
      operation: 'GetSecretValue',
      caller: 'PaymentsStep',
      times: 6,
    })
    const { id } = await pay(bill())
    await becomes(id, isPaid)
    assert.ok(planted.met() > 0)
    planted.remove()
  })

  test('a webhook’s secret is exchanged: the new one is believed, the old one no more', async () => {
    const { processor, processorUrl, world } = given()
    const id = (await processor.charges())[0]?.id ?? ''
    const headers = { authorization: `Bearer ${apiKey}` }
    const charge: unknown = await (
      await fetch(`${processorUrl}/v1/charges/${id}`, { headers })
    ).json()
    const to = `${world.url}/webhooks/simulated`
    const body = JSON.stringify({ id: 'evt_own', charge })
    const hears = async (secret: string): Promise<number> => sayBy(to, secret, body)
    const next = 'whsec_the_next_one'
    assert.deepEqual([await hears(webhookSecret), await hears(next)], [200, 400])
    world.rotate('PaymentsWebhookSecretSimulated', next)
    await processor.setWebhook(to, next)
    // Each environment keeps what it read for five minutes.
    const within = { withinMs: 900_000 }
    await until('the new one is believed', async () => (await hears(next)) === 200, within)
    await until('the old one is not', async () => (await hears(webhookSecret)) === 400, within)
  })
}

async function sayBy(url: string, secret: string, body: string): Promise<number> {
  const seconds = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'simulated-signature': `t=${seconds},v1=${signature}`,
    },
    body,
  })
  await response.arrayBuffer()
  return response.status
}
