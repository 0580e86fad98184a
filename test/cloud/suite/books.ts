// Do the books of the processor agree? The function that compares them, by the clock and on demand, in
// one go and cut off after each page, on another machine each time.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { until } from '../until.ts'
import { apiKey } from './setting.ts'
import type { Setting } from './setting.ts'
import { noticesOf } from './telling.ts'

type Given = () => Setting

interface Run {
  readonly id: string
  readonly status: string
  readonly payments: number
  readonly breaks: Readonly<Record<string, number>>
}

interface Break {
  readonly id: string
  readonly type: string
  readonly status: string
  readonly payment_id: string | null
  readonly version: number
}

const within = { withinMs: 900_000 }

export function books(given: Given): void {
  const read = async <T>(path: string): Promise<T> => {
    const response = await given().people.operate('GET', path)
    assert.equal(response.status, 200, path)
    return (await response.json()) as T // as src/http/reconciliations.ts writes it
  }
  const runs = async (): Promise<readonly Run[]> =>
    (await read<{ data: readonly Run[] }>('/v1/reconciliations?limit=100')).data
  const ask = async (): Promise<Response> =>
    given().people.operate('POST', '/v1/reconciliations', { body: {} })

  test('the clock carries out what is due, and what somebody asked for at the door', async () => {
    // The first of the routes' tests has asked; nobody but a schedule has woken the function since.
    const isDone = async (): Promise<boolean> =>
      (await runs()).some(({ status }) => status === 'finished')
    await until('a run has ended', isDone, within).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; there are ${JSON.stringify(await runs())}`)
    })
  })

  test('what was asked for and cut off after each page ends on other machines, and people hear of a break', async () => {
    const { becomes, bill, pay, processor, processorUrl, stopWebhooks, world } = given()
    const { id, amount } = await pay(bill())
    await becomes(id, 'settled')
    // Only the records will tell of what follows.
    await stopWebhooks()
    const charge = (await processor.charges()).find(({ reference }) => reference === id)
    const disputed = await fetch(`${processorUrl}/disputes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ charge: charge?.id, amount: Math.floor(amount / 2) }),
    })
    assert.equal(disputed.status, 200, await disputed.text())
    world.scheduler.pause(true)
    const runId = await begun()
    assert.equal((await ask()).status, 409)
    const invocations = await inPieces(given())
    world.scheduler.pause(false)
    assert.ok(invocations >= 3, `${invocations} invocations`)
    const run = await read<Run>(`/v1/reconciliations/${runId}`)
    assert.equal(run.status, 'finished')
    assert.ok(
      run.payments > 20 && (run.breaks['reversed_externally'] ?? 0) > 0,
      JSON.stringify(run),
    )
    await until(
      'people are told',
      () => noticesOf(world, 'reconciliation_break').length > 0,
      within,
    )
    await ends(await breakOf(id))
  })

  /** One at a time: what the clock began is ended first. */
  const begun = async (): Promise<string> => {
    const lambda = given().world.lambda('PaymentsReconcile')
    let id = ''
    const isTaken = async (): Promise<boolean> => {
      const response = await ask()
      if (response.status === 202) id = ((await response.json()) as Run).id
      else await lambda.invoke({ task: 'Reconcile' })
      return id !== ''
    }
    await until('a run is begun', isTaken, within)
    return id
  }

  const breakOf = async (paymentId: string): Promise<Break> => {
    const { data } = await read<{ data: readonly Break[] }>('/v1/breaks?limit=100')
    const found = data.find(({ payment_id: of }) => of === paymentId)
    assert.ok(found !== undefined, JSON.stringify(data))
    assert.equal(found.type, 'reversed_externally')
    return found
  }

  /** By a person's word, on what was shown. */
  const ends = async ({ id, version }: Break): Promise<void> => {
    let shown = version
    for (const [act, status] of [
      ['investigate', 'investigating'],
      ['resolve', 'resolved'],
    ] as const) {
      const response = await given().people.operate('POST', `/v1/breaks/${id}/${act}`, {
        body: { reason: 'a dispute that we accept' },
        headers: { 'if-match': `"${shown}"` },
      })
      assert.equal(response.status, 200, await response.clone().text())
      const after = (await response.json()) as Break
      assert.equal(after.status, status)
      shown = after.version
    }
  }
}

/** Each invocation has time for one page, and its machine is gone afterwards. */
async function inPieces({ world }: Setting): Promise<number> {
  const lambda = world.lambda('PaymentsReconcile')
  const bucket = world.output('PaymentsPutAsideBucket')
  const kept = async (): Promise<number> =>
    (await world.broker.objects(bucket)).filter((key) => key.startsWith('reconciling/')).length
  for (let count = 1; ; count += 1) {
    assert.ok(count < 100, 'it never ends')
    const result = await lambda.invoke({ task: 'Reconcile', forSeconds: 0 })
    assert.ok(result.ok, JSON.stringify(result))
    await lambda.recycle()
    const { underWay } = JSON.parse(result.payload) as { underWay: number }
    assert.equal(await kept(), underWay)
    if (underWay === 0) return count
  }
}
