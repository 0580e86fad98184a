// What has happened: alerts, and who did what.
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { usageError } from '../exit.ts'
import { pageOf, pageOptions, printPage } from '../pages.ts'
import { alertTable, auditTable } from '../show-operations.ts'

const statuses = ['firing', 'resolved', 'any'] as const

const alerts: Command = {
  name: 'alerts list',
  summary: 'what people are called for',
  about: `
Lists the alerts that are firing, what Quittance already did about each, and what to do. What is alike
is one alert with a count. --status resolved shows those that are over.`,
  examples: ['quittance alerts list', 'quittance alerts list --status any --json'],
  options: {
    ...remoteOptions,
    status: { value: statuses.join('|'), what: 'which of them (firing)' },
    ...pageOptions,
  },
  run: async (words, terminal) => {
    const given = words.text('status') ?? 'firing'
    const status = statuses.find((each) => each === given)
    if (status === undefined)
      throw usageError(`--status is "${given}"; it must be ${statuses.join(', ')}.`)
    const client = await connect(words, 'operator')
    const query = { ...pageOf(words), ...(status === 'any' ? {} : { status }) }
    const page = expectOk(await client.alerts(query))
    return printPage(page, words, terminal, 'alerts', (data) => alertTable(data, terminal.style))
  },
}

const audit: Command = {
  name: 'audit list',
  summary: 'who did what and why, newest first',
  about: `
Lists the acts of operators and of circuit breakers: stops, pauses, suspensions, notes. It is kept for
good. What happened to one payment is in \`quittance payments events\`.`,
  examples: ['quittance audit list --limit 100'],
  options: { ...remoteOptions, ...pageOptions },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.audit(pageOf(words)))
    return printPage(page, words, terminal, 'entries', auditTable)
  },
}

export const oversightCommands: readonly Command[] = [alerts, audit]
