// Real deaths: a process that commits without pause is killed, and what it had been told is there.
// (What the kernel keeps, a kill cannot lose: power loss is proved elsewhere.)
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../ports.ts'
import { newFolder, removeFolder } from '../contract/sqlite-fixture.ts'
import { openSqliteStore } from './store.ts'

const rounds = 5

// Eight clients, until it is killed or this test is gone; each write is a payment's key, its reference and its event. The number is printed
// after the answer, without a buffer in between.
const program = (file: string, start: number) => `
  process.stdin.resume().on('end', () => process.exit())
  const { writeSync } = await import('node:fs')
  const at = (name) => import(new URL(name, ${JSON.stringify(import.meta.url)}))
  const { openSqliteStore } = await at('store.ts')
  const { key, put, record } = await at('../contract/builders.ts')
  const store = openSqliteStore({ file: ${JSON.stringify(file)}, groupSize: 5 })
  let next = ${start}
  async function client() {
    for (;;) {
      const id = String(next++)
      const { result } = await store.commit({ commitId: id, actions: [
        put('key', id, key(id), { absent: true }),
        record(id, 1, 2),
        put('reference', id, { paymentId: id }, { absent: true }),
      ]})
      if (result === 'committed') writeSync(1, id + '\\n')
    }
  }
  for (let each = 0; each < 8; each += 1) client()`

test(`sqlite: ${rounds} kills under load lose nothing that was answered and tear no write`, async () => {
  const folder = newFolder()
  const file = join(folder, 'q.db')
  let start = 0
  for (let round = 0; round < rounds; round += 1) {
    const answered = await killUnderLoad(program(file, start))
    assert(answered.length > 0, 'it was killed before it had done anything')
    const store = openSqliteStore({ file })
    start = await expectWhole(store, start, answered)
    await store.close()
  }
  removeFolder(folder)
})

/** The numbers that were answered before the process died. */
async function killUnderLoad(source: string): Promise<number[]> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += String(chunk)
  })
  await once(child.stdout, 'data')
  await sleep(20 + Math.random() * 80)
  child.kill('SIGKILL')
  await once(child, 'close')
  return printed.split('\n').slice(0, -1).map(Number)
}

/** Checks every write of a round; answers the number that the next round starts at. */
async function expectWhole(
  store: Store,
  start: number,
  answered: readonly number[],
): Promise<number> {
  const told = new Set(answered)
  // Eight clients: behind the last answer at most eight more writes can have been under way.
  const end = Math.max(...answered) + 9
  for (let number = start; number < end; number += 1) {
    const id = String(number)
    const [key, reference] = await store.read([
      { table: 'key', key: id },
      { table: 'reference', key: id },
    ])
    const events = await store.events(id, 0, 10)
    const parts = [key !== null, reference !== null, events.length === 2]
    assert(
      parts.every((part) => part === parts[0]),
      `write ${id} is torn: ${parts.join()}`,
    )
    assert(parts[0] === true || !told.has(number), `write ${id} was answered and is lost`)
  }
  return end
}
