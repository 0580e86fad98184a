// Something to look at on every screen: payments of several ends, a break, one in the dead letters.
import { tellSimulator, until } from './testkit.ts'
import type { World } from './testkit.ts'

const payees = ['acme supplies', 'Nordlicht Hosting', 'Lisboa Papel', 'Kanto Freight', 'Brew & Co']

export interface Scene {
  /** Answered 504 after its capture. */
  readonly lost: string
  readonly parked: readonly string[]
}

export async function makeScene(world: World): Promise<Scene> {
  const { ask } = world
  const pay = async (payee: string, reference: string, amount: number) => {
    const headers = { 'idempotency-key': reference }
    const body = { amount, currency: 'EUR', payee, reference }
    const { status, body: made } = await ask('POST', '/v1/payments', { body, headers })
    if (status !== 202) throw new Error(JSON.stringify(made))
    return String(made['id'])
  }
  for (let number = 1; number <= 24; number += 1) {
    await pay(payees[number % payees.length] ?? '', `INV-${1_040 + number}`, 1_250 + number * 317)
  }
  await pay('acct_declined', 'INV-1080', 4_200)
  await pay('acct_insufficient_funds', 'INV-1081', 99_900)
  await pay('acct_action_required', 'INV-1082', 12_000)
  const lost = await pay('acct_504_after_capture', 'INV-1083', 1_999)
  await ended(world, lost)
  const disputed = await pay('Kanto Freight', 'INV-1084', 7_450)
  await ended(world, disputed)
  const { body } = await ask('GET', `/v1/payments/${disputed}`)
  const dispute = { charge: body['processor_reference'], amount: 7_450 }
  // Told by a webhook it would be known before the run, and no break.
  await tellSimulator(world.simulator, 'PUT', '/v1/webhook', { url: null })
  await tellSimulator(world.simulator, 'POST', '/disputes', dispute)
  await reconciled(world)
  world.refuse(true)
  const parked = [await pay('Lisboa Papel', 'INV-1085', 2_310)]
  await until(async () => {
    const { body: shown } = await ask('GET', `/v1/payments/${parked[0]}`)
    return shown['hold'] !== null && JSON.stringify(shown['hold']).includes('dead_letter')
  })
  world.refuse(false)
  return { lost, parked }
}

async function ended(world: World, id: string): Promise<void> {
  await until(async () => {
    const { body } = await world.ask('GET', `/v1/payments/${id}`)
    return body['state'] === 'settled'
  })
}

async function reconciled({ ask }: World): Promise<void> {
  const body = { processor: 'simulated' }
  const begun = await ask('POST', '/v1/reconciliations', { as: 'operator', body })
  await until(async () => {
    const run = await ask('GET', `/v1/reconciliations/${String(begun.body['id'])}`, {
      as: 'operator',
    })
    return run.body['status'] !== 'running'
  })
}
