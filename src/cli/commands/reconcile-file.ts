// A settlement file against our payments. What reads it is loaded only when it is run: no other command
// and no start of the service needs it.
import { basename } from 'node:path'

import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { usageError } from '../exit.ts'
import { awaitRun, showRun } from './reconcile-run.ts'

export const reconcileFile: Command = {
  name: 'reconcile file',
  operands: 'FILE',
  summary: 'compare payments with a settlement file of the processor',
  about: `
Reads a CSV file row by row, whatever its length, as the mapping says, and compares what was paid out with
our payments. Captured payments that are in it become settled, with their fee; nothing else is changed. A row
that cannot be read is kept as a break; what makes the whole file doubtful (its encoding, a missing column,
amounts in another form) is told before anything is compared. Broken off, it goes on when it is run again; a
file or a batch that comes again is harmless. It exits with 1 if there are differences.`,
  examples: [
    'quittance reconcile file examples/settlement.csv --mapping examples/settlement-mapping.json',
    'quittance reconcile file payout.csv --mapping mine.json --again --json',
  ],
  options: {
    ...remoteOptions,
    mapping: {
      value: 'FILE',
      what: 'which column means what (see docs/guides/settlement-files.md)',
    },
    processor: { value: 'NAME', what: 'whose file it is (the first)' },
    again: { what: 'compare a file anew that was read before' },
  },
  run: async (words, terminal) => {
    const file = words.operands[0] ?? ''
    const { readMapping } = await import('../settlement/mapping.ts')
    const { digestOf } = await import('../settlement/read-lines.ts')
    const { sendFile } = await import('../settlement/send-file.ts')
    const mapping = await readMapping(words.needed('mapping', 'what would a column mean'))
    const digest = await digestOf(file, mapping).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        throw usageError(`There is no file ${file}.`)
      }
      throw error
    })
    const client = await connect(words, 'operator')
    const processor = words.text('processor')
    const offer = {
      name: basename(file).slice(0, 255),
      digest,
      exclusive: mapping.exclusive,
      again: words.is('again'),
      ...(processor === null ? {} : { processor }),
    }
    let { file: upload } = expectOk(await client.openSettlementFile(offer))
    if (upload.run !== null) {
      terminal.note(`This file was read before, in ${upload.run}; --again compares it anew.`)
    } else {
      if (upload.received > 0) terminal.note(`It goes on after row ${upload.received}.`)
      const onProgress = (rows: number): void => terminal.live(`${rows} rows`)
      upload = await sendFile(client, { file, mapping, upload, onProgress })
      terminal.live(null)
    }
    const begun = expectOk(await client.reconciliation(upload.run ?? ''))
    const ended = await awaitRun(client, begun.reconciliation)
    for (const { batch, run } of ended.file?.repeats ?? []) {
      terminal.note(`Batch ${batch} was read before as well, in ${run}: nothing counts twice.`)
    }
    return showRun(ended, words, terminal)
  },
}
