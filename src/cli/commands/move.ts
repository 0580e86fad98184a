// The whole store as a file, and back into an empty one. Both work on the data folder itself, with the door
// closed; no service is asked. What opens a store is loaded only when it is run.
import { readClientSettings } from '../../config.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../exit.ts'

const exporting: Command = {
  name: 'export',
  operands: 'FILE',
  summary: 'write the whole store into a file, with the service stopped',
  about: `
Writes keys, guards, payments, events, budgets, agents, tokens (as hashes), switches, dead letters and the
audit of the data folder (QUITTANCE_DATA) into FILE, as JSON Lines with a hash at the end. The service must be
stopped. \`quittance import\` puts it into another store.`,
  examples: ['quittance export quittance.jsonl', 'QUITTANCE_DATA=/srv/q quittance export q.jsonl'],
  options: {},
  run: async (words, terminal) => {
    const { dataFolder } = readClientSettings()
    const { exportFolder } = await import('../../embedded/move-store.ts')
    const report = await exportFolder(dataFolder, words.operands[0] ?? '')
    const { payments, events, file } = report
    if (words.is('json')) terminal.out(JSON.stringify(report))
    else terminal.note(`${payments} payments and ${events} events are in ${file}.`)
    return exitCodes.ok
  },
}

const importing: Command = {
  name: 'import',
  operands: 'FILE',
  summary: 'put an exported store into an empty one',
  about: `
Reads FILE to its end first: of one that is cut short, altered or newer than this program nothing is written.
The store of the data folder (QUITTANCE_DATA) must be empty and its service stopped. At its next start the
service asks the processor whether it knows more than the file did.`,
  examples: ['QUITTANCE_DATA=/srv/new quittance import quittance.jsonl'],
  options: {},
  run: async (words, terminal) => {
    const { dataFolder } = readClientSettings()
    const { importFolder } = await import('../../embedded/move-store.ts')
    const report = await importFolder(dataFolder, words.operands[0] ?? '')
    if (words.is('json')) terminal.out(JSON.stringify(report))
    else terminal.note(`${report.rows} rows and ${report.events} events are in ${dataFolder}.`)
    return exitCodes.ok
  },
}

export const moveCommands: readonly Command[] = [exporting, importing]
