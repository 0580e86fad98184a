// How many slots of one processor's rate limit can be given out a second, when every one who asks is a
// function of its own, as on AWS: versioned puts on one row and on several, on a local DynamoDB that answers after a
// chosen time. `node scripts/slots.ts`; the table that it prints is in docs/concepts/scale-aws.md.
import { setTimeout as sleep } from 'node:timers/promises'

import { table as tabulate } from '../src/cli/table.ts'
import { createSlots, rowsForRivals } from '../src/engine/slots.ts'
import type { RowsOf } from '../src/engine/slots.ts'
import type { Engine } from '../src/engine/engine.ts'
import { randomIds, systemClock } from '../src/engine/system.ts'
import { makeTable } from '../src/stores/contract/dynamo-fixture.ts'
import { dynamoServer } from '../src/stores/contract/dynamo-server.ts'
import type { Client } from '../src/stores/dynamodb/client.ts'
import { openDynamoStore } from '../src/stores/dynamodb/store.ts'

/** A request in the same region, answer included. */
const answerMs = 5
const forMs = 4_000
const limit = { perSecond: 1_000, burst: 1_000 }

const late = (client: Client): Client =>
  new Proxy(client, {
    get(target, name) {
      if (name !== 'send') return Reflect.get(target, name) as unknown
      return async (command: Parameters<Client['send']>[0]) => {
        await sleep(answerMs)
        return target.send(command)
      }
    },
  })

interface Measured {
  readonly asking: number
  readonly given: number
  readonly full: number
  readonly slowestMs: number
}

async function measure(asking: number, rowsOf: RowsOf): Promise<Measured> {
  const made = await makeTable()
  let [given, full, slowestMs] = [0, 0, 0]
  const endsAtMs = performance.now() + forMs
  const askOn = async (who: number): Promise<void> => {
    const store = openDynamoStore({ table: made.table, client: late(made.client) })
    // A slot needs only these of the engine.
    const engine = { store, clock: systemClock, ids: randomIds } as unknown as Engine
    const slots = createSlots(rowsOf)
    let sinceMs = performance.now()
    while (performance.now() < endsAtMs) {
      const asked = { agent: `agent-${who}`, limit, longestMs: 2_000 }
      const { slot } = await slots.reserve(engine, 'processor', asked)
      if (slot === 'full') {
        full += 1
        await sleep(250)
        continue
      }
      given += 1
      slowestMs = Math.max(slowestMs, performance.now() - sinceMs)
      sinceMs = performance.now()
    }
  }
  await Promise.all(Array.from({ length: asking }, (_, who) => askOn(who)))
  await made.dispose()
  return { asking, given, full, slowestMs }
}

if ((await dynamoServer()) === null) {
  process.stderr.write('slots: no DynamoDB here; see docs/reference/dynamodb.md\n')
  process.exit(2)
}
const rows: string[][] = []
for (const [name, rowsOf] of [
  ['1', () => 1],
  [String(rowsForRivals(limit)), rowsForRivals],
] as const) {
  for (const asking of [1, 4, 16, 64]) {
    const { given, full, slowestMs } = await measure(asking, rowsOf)
    const perSecond = ((given * 1_000) / forMs).toFixed(0)
    rows.push([name, String(asking), perSecond, String(full), `${slowestMs.toFixed(0)} ms`])
  }
}
const columns = [
  { title: 'ROWS', align: 'right' },
  { title: 'FUNCTIONS THAT ASK', align: 'right' },
  { title: 'SLOTS A SECOND', align: 'right' },
  { title: 'ASKED AGAIN LATER', align: 'right' },
  { title: 'LONGEST WAIT', align: 'right' },
] as const
process.stdout.write(`${tabulate(columns, rows).join('\n')}\n`)
process.exit(0)
