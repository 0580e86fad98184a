// A SQLite store in a folder of its own, and the ways in which the suite makes it suffer.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommitResult, Write } from '../../ports.ts'
import { openSqliteStore } from '../sqlite/store.ts'
import type { Fixture } from './store-contract.ts'

/** Small, so that a handful of writes at once already spans two groups. */
const groupSize = 3

// Memory where there is a disk of it: histories prove logic, not fsync, and are twenty times faster.
const home = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const newFolder = (): string => mkdtempSync(join(home, 'quittance-store-'))

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true })

export async function openSqliteFixture(): Promise<Fixture> {
  return fixtureIn(newFolder())
}

function fixtureIn(folder: string): Fixture {
  let onMoment = (): void => {}
  const store = openSqliteStore({
    file: join(folder, 'q.db'),
    groupSize,
    onMoment: () => onMoment(),
  })
  const dispose = async () => removeFolder(folder)

  /** Commits all at once and calls back at one moment; answers what was told by then. */
  async function commitUntil(writes: readonly Write[], moment: number, then: () => void) {
    const answers: (CommitResult | null)[] = writes.map(() => null)
    let toldByThen: typeof answers | null = null
    let moments = 0
    onMoment = () => {
      moments += 1
      if (moments !== moment + 1) return
      toldByThen = [...answers]
      then()
    }
    const told = writes.map(async (write, index) => {
      answers[index] = await store.commit(write)
    })
    await Promise.all(told)
    return { answers, toldByThen }
  }

  const fixture: Fixture = {
    store,
    dispose,
    reopen: async () => {
      await store.close()
      return fixtureIn(folder)
    },
    // What a killed process leaves is what the kernel has of its files at that moment: a copy.
    crash: async (writes, moment) => {
      const copy = newFolder()
      const { answers, toldByThen } = await commitUntil(writes, moment, () => {
        photograph(folder, copy)
        onMoment = fail
        fail()
      })
      if (toldByThen === null) photograph(folder, copy)
      await store.close()
      await dispose()
      return { fixture: fixtureIn(copy), answers: toldByThen ?? answers }
    },
    disturb: async (writes, moment) => {
      const { answers } = await commitUntil(writes, moment, fail)
      onMoment = () => {}
      return { fixture, answers }
    },
  }
  return fixture
}

function fail(): void {
  throw new Error('the disk failed here')
}

function photograph(from: string, to: string): void {
  for (const name of ['q.db', 'q.db-wal']) copyFileSync(join(from, name), join(to, name))
}
