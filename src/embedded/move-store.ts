// The store of a data folder as a file, and a file as the store of an empty one. Whoever has the folder open
// keeps both from being done: what is copied while payments move is no copy.
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { ConfigError } from '../config.ts'
import { exportLines } from '../engine/export.ts'
import { importStore, ImportRefused } from '../engine/import.ts'
import type { ImportReport } from '../engine/import.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { openFileRows } from '../stores/sqlite/export-rows.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { keepFile } from './keep-file.ts'

export interface ExportReport {
  readonly file: string
  readonly installation: string
  readonly payments: number
  readonly events: number
  readonly lines: number
}

/** Throws a `ConfigError` where there is nothing to be exported, or the file is there. */
export async function exportFolder(dataFolder: string, file: string): Promise<ExportReport> {
  const database = join(dataFolder, 'quittance.db')
  if (!(await exists(database))) throw new ConfigError(`There is no store in ${dataFolder}.`)
  if (await exists(file)) throw new ConfigError(`${file} is there already.`)
  const installation = await installationOf(dataFolder)
  if (installation === null) {
    throw new ConfigError(`There is no installation id in ${dataFolder}.`)
  }
  const rows = opened(() => openFileRows(database))
  try {
    const lines = await writeLines(file, exportLines({ installation, ...rows }, Date.now()))
    const counts = { payments: rows.count('payment'), events: rows.count('event'), lines }
    return { file, installation, ...counts }
  } finally {
    rows.close()
  }
}

/** Throws a `ConfigError` where the file is not whole or the folder is not empty; nothing was written. */
export async function importFolder(dataFolder: string, file: string): Promise<ImportReport> {
  if (!(await exists(file))) throw new ConfigError(`There is no file ${file}.`)
  await mkdir(dataFolder, { recursive: true, mode: 0o700 })
  const known = await installationOf(dataFolder)
  if (known !== null && known !== (await firstInstallation(file))) {
    throw new ConfigError(`${dataFolder} belongs to another installation (${known}).`)
  }
  const store = opened(() => openSqliteStore({ file: join(dataFolder, 'quittance.db') }))
  try {
    const lines = () => createInterface({ input: createReadStream(file), crlfDelay: Infinity })
    const target = { store, ids: randomIds, clock: systemClock }
    const report = await importStore(target, lines).catch(explain)
    // Its objects at the processor are known by it.
    if (known === null) await keepFile(join(dataFolder, 'installation'), `${report.installation}\n`)
    return report
  } finally {
    await store.close()
  }
}

function explain(error: unknown): never {
  throw error instanceof ImportRefused ? new ConfigError(error.message) : error
}

/** In use, somebody else's, newer: each says so. */
function opened<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error))
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function installationOf(dataFolder: string): Promise<string | null> {
  const text = await readFile(join(dataFolder, 'installation'), 'utf8').catch(() => '')
  return text.trim() === '' ? null : text.trim()
}

/** `null`: the file is none of ours, which the import says better. */
async function firstInstallation(file: string): Promise<string | null> {
  const lines = createInterface({ input: createReadStream(file, { end: 65_536 }) })
  for await (const text of lines) {
    try {
      const { installation } = JSON.parse(text) as { installation?: unknown }
      return typeof installation === 'string' ? installation : null
    } catch {
      return null
    }
  }
  return null
}

/** So much is written at once. */
const pageLength = 262_144

/** Whole or not at all, and only for this user. */
async function writeLines(path: string, lines: Iterable<string>): Promise<number> {
  const part = `${path}.part`
  const file = await open(part, 'w', 0o600)
  let count = 0
  try {
    let page = ''
    for (const line of lines) {
      page += line
      count += 1
      if (page.length < pageLength) continue
      await file.writeFile(page)
      page = ''
    }
    await file.writeFile(page)
    await file.sync()
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    await file.close()
  }
  await rename(part, path)
  return count
}
