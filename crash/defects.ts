// Defects that `npm run crash` is there to see, as changes of the source like those of the
// simulation: `--plant NAME` runs with one of them, and has to end red.
import type { Mutant } from '../test/mutants/list.ts'

/** Small, so that the log is copied into the file again and again while it is recorded. */
export const oftenCheckpointed: Mutant = {
  name: 'often checkpointed',
  why: 'no defect: a short recording has to show copies of the log too',
  file: 'src/stores/sqlite/connection.ts',
  find: 'const checkpointPages = 4_000',
  replace: 'const checkpointPages = 150',
}

/** `OFF` never syncs, `NORMAL` only when the log is copied; a SIGKILL sees no difference. */
export const unsynced = (level: 'OFF' | 'NORMAL'): Mutant => ({
  name: `synchronous = ${level}`,
  why: 'a power loss takes what was acknowledged',
  file: 'src/stores/sqlite/connection.ts',
  find: 'PRAGMA synchronous = FULL',
  replace: `PRAGMA synchronous = ${level}`,
})

const queue = {
  why: 'whoever is answered meanwhile is told of what a crash takes back',
  name: 'commit put off',
  file: 'src/stores/sqlite/commit-queue.ts',
} as const

const commitPutOff: readonly Mutant[] = [
  { ...queue, find: "    if (db.isTransaction) db.exec('ROLLBACK')\n", replace: '' },
  {
    ...queue,
    find: "      db.exec('BEGIN IMMEDIATE')\n",
    replace: `      if (!db.isTransaction) {
        db.exec('BEGIN IMMEDIATE')
        setTimeout(() => db.isOpen && db.isTransaction && db.exec('COMMIT'), 50)
      }\n`,
  },
  { ...queue, find: "      db.exec('COMMIT')\n", replace: '' },
]

const storeWebhook = `engine.store.commit({
    commitId: engine.ids.next('cmt', nowMs),
    actions: [{ do: 'put', table: 'webhook', key, value, if: { absent: true } }],
  })`

const webhookAnsweredFirst: Mutant = {
  name: 'webhook answered first',
  why: 'the processor never sends again what a crash then takes',
  file: 'src/engine/webhooks.ts',
  find: `const committed = await ${storeWebhook}`,
  replace: `const committed = { result: 'committed' as string }
  setTimeout(() => void ${storeWebhook}, 50)`,
}

const fullDiskBelieved: Mutant = {
  name: 'full disk believed',
  why: 'what did not fit is answered as if it were stored',
  file: 'src/stores/sqlite/commit-queue.ts',
  find: 'for (const job of group) job.fail(why)\n',
  replace: 'if (why !== "") for (const answer of answers) answer()\n',
}

const memoryInstead: Mutant = {
  name: 'memory instead',
  why: 'a file that may not be written is replaced by memory, which ends with the process',
  file: 'src/stores/sqlite/store.ts',
  find: 'throw new Error(`cannot open the store ${file}: ${messageOf(error)}`, { cause: error })',
  replace: 'return storeOn(openConnection(inMemory), () => messageOf(error), options)',
}

/** By the name for `--plant`, and by the part that has to see it. */
export const defects: Readonly<Record<string, readonly Mutant[]>> = {
  'kills-commit-put-off': commitPutOff,
  'kills-webhook-first': [webhookAnsweredFirst],
  'disk-full-believed': [fullDiskBelieved],
  'disk-memory-instead': [memoryInstead],
  'power-sync-off': [unsynced('OFF')],
  'power-sync-normal': [unsynced('NORMAL')],
}
