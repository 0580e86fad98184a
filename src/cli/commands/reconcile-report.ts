// One run as a page that a person can keep, print or send.
import { writeFile } from 'node:fs/promises'

import type { Break, Client, Payment, Reconciliation } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import { reportPage } from '../report/page.ts'
import { showRun } from './reconcile-run.ts'

/** Pages of a hundred that are read; what is behind them is said to be there. */
const maxPages = 100

export const reconcileReport: Command = {
  name: 'reconcile report',
  operands: 'RUN',
  summary: 'a run as a table, or as a page with charts',
  about: `
Shows a run again: its match rate by count and value, and its control totals in both directions. With --html it
writes a page of its own, with charts, breaks by type and age, and the evidence side by side. The page needs
nothing from elsewhere and runs no script. "last" is the newest run that has ended.`,
  examples: [
    'quittance reconcile report last',
    'quittance reconcile report rec_01JD4Z0M8QW3R5T7V9X1B2C4D6 --html report.html',
  ],
  options: { ...remoteOptions, html: { value: 'FILE', what: 'write the page there' } },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const run = await runOf(client, words.operands[0] ?? '')
    const file = words.text('html')
    if (file === null) {
      showRun(run, words, terminal)
      return exitCodes.ok
    }
    const { breaks, isCut } = await openBreaks(client, run.processor)
    const oldestUnknown = await oldestUnknownOf(client)
    const madeAt = new Date().toISOString()
    const page = reportPage({ run, breaks, isCut, oldestUnknown, madeAt })
    await writeFile(file, page).catch((error: unknown) => {
      throw usageError(`The page cannot be written: ${String(error)}`)
    })
    if (words.is('json')) terminal.out(JSON.stringify({ run: run.id, file, bytes: page.length }))
    else terminal.out(`${run.id}: written to ${file}`)
    return exitCodes.ok
  },
}

async function runOf(client: Client, given: string): Promise<Reconciliation> {
  if (given !== 'last') return expectOk(await client.reconciliation(given)).reconciliation
  const { data } = expectOk(await client.reconciliations({ limit: 20 }))
  const ended = data.find(({ status }) => status !== 'running')
  if (ended !== undefined) return ended
  throw usageError('No run has ended yet: `quittance reconcile run` makes one.')
}

async function openBreaks(client: Client, processor: string) {
  const breaks: Break[] = []
  let isCut = false
  for (const status of ['open', 'investigating'] as const) {
    let cursor: string | null = null
    let pages = 0
    do {
      const query = { status, limit: 100, ...(cursor === null ? {} : { cursor }) }
      const page: { data: readonly Break[]; cursor: string | null } = expectOk(
        await client.breaks(query),
      )
      breaks.push(...page.data.filter((each) => each.processor === processor))
      cursor = page.cursor
      pages += 1
    } while (cursor !== null && pages < maxPages)
    isCut ||= cursor !== null
  }
  return { breaks, isCut }
}

/** Only these two states can have an operation towards money whose outcome nobody knows. */
async function oldestUnknownOf(client: Client) {
  let oldest: Payment | null = null
  for (const state of ['validated', 'authorised'] as const) {
    let cursor: string | null = null
    let pages = 0
    do {
      const query = { state, limit: 100, ...(cursor === null ? {} : { cursor }) }
      const page: { payments: readonly Payment[]; cursor: string | null } = expectOk(
        await client.list(query),
      )
      for (const each of page.payments) {
        const isOlder = oldest === null || each.created_at < oldest.created_at
        if (each.operation?.status === 'unknown' && isOlder) oldest = each
      }
      cursor = page.cursor
      pages += 1
    } while (cursor !== null && pages < maxPages)
  }
  return oldest === null ? null : { id: oldest.id, since: oldest.created_at }
}
