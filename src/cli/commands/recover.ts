// After a restore: show what the store is missing, rebuild it from the processor's objects, and let the
// service open again.
import type { Client, RecoveryObject } from '../../client/index.ts'
import { formatAmount } from '../../core/money.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { whyNeeded, whyOption } from './stop.ts'

/** A page may hold a few dozen payments, each with its own commit. */
const pageDeadlineMs = 60_000

const account = { value: 'ACCOUNT', what: 'the account of objects that name none' }

const show: Command = {
  name: 'recover show',
  summary: 'what the processor has and the store does not, after a restore',
  about: `
Asks the processor for objects of this installation that the store does not know, and shows what would
become of each. Nothing is changed. It exits with 1 where something is missing.`,
  examples: ['quittance recover show', 'quittance recover show --json'],
  options: { ...remoteOptions, account },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const { recovery } = expectOk(await client.recovery({ deadlineMs: pageDeadlineMs }))
    if (recovery.status === 'open') {
      terminal.note('Nothing is missing: the service is open.')
      return exitCodes.ok
    }
    const passed = await passOver((cursor) =>
      client.recoveryObjects(passOf(words, cursor), { deadlineMs: pageDeadlineMs }),
    )
    print(passed, words, terminal)
    if (words.is('json')) return passed.rows.length === 0 ? exitCodes.ok : exitCodes.failed
    terminal.note(recovery.why)
    terminal.note(
      'Not rebuilt: descriptions, metadata, the words of references, and what was asked but never sent.',
    )
    if (passed.rows.length > 0) terminal.note('Next: quittance recover rebuild --reason "…"')
    return passed.rows.length === 0 ? exitCodes.ok : exitCodes.failed
  },
}

const rebuild: Command = {
  name: 'recover rebuild',
  summary: 'rebuild payments and guards from the processor’s objects',
  about: `
Rebuilds each payment that is missing, with its amounts, attempts and objects, the guard of its bill and the
link to the agent's key, each in one commit with a line in the audit. It may be broken off and run again.
Nothing is sent. It exits with 1 where something cannot be rebuilt.`,
  examples: ['quittance recover rebuild --reason "disk failed, backup of 03:00"'],
  options: { ...remoteOptions, account, reason: whyOption },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const client = await connect(words, 'operator')
    const passed = await passOver((cursor) =>
      client.rebuild({ ...passOf(words, cursor), reason }, { deadlineMs: pageDeadlineMs }),
    )
    print(passed, words, terminal)
    const left = passed.rows.filter(({ result }) => result === 'left').length
    if (!words.is('json')) {
      const done = passed.rows.length - left
      terminal.note(`${done} rebuilt or brought up to date, ${left} left.`)
      const leave = left === 0 ? '' : ` --leave ${left}`
      terminal.note(`Next: quittance recover confirm${leave} --reason "…"`)
    }
    return left === 0 ? exitCodes.ok : exitCodes.failed
  },
}

const confirm: Command = {
  name: 'recover confirm',
  summary: 'say that all is rebuilt; the service opens',
  about: `
Asks the processor once more. Where nothing is missing any more, or only so many objects as you say with
--leave, the service opens: agents may ask, and payments go on from where they stand.`,
  examples: ['quittance recover confirm --reason "compared with the dashboard"'],
  options: {
    ...remoteOptions,
    leave: { value: 'N', what: 'so many objects stay as they are; each was looked at (0)' },
    reason: whyOption,
  },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const leave = words.integer('leave', 0, 0, 1_000_000)
    const client = await connect(words, 'operator')
    const confirmed = await client.confirmRecovery(
      { reason, leave },
      { deadlineMs: pageDeadlineMs, tryMs: pageDeadlineMs },
    )
    const { recovery } = expectOk(confirmed)
    if (words.is('json')) terminal.out(JSON.stringify(recovery))
    else terminal.note(`The service is ${recovery.status}.`)
    return exitCodes.ok
  },
}

const passOf = (words: Words, cursor: string | null) => {
  const named = words.text('account')
  return {
    ...(cursor === null ? {} : { cursor }),
    ...(named === null ? {} : { account: named }),
  }
}

type Page = Extract<Awaited<ReturnType<Client['recoveryObjects']>>, { ok: true }>

interface Passed {
  readonly rows: readonly RecoveryObject[]
  readonly unreadable: number
}

async function passOver(
  ask: (cursor: string | null) => ReturnType<Client['recoveryObjects']>,
): Promise<Passed> {
  const rows: RecoveryObject[] = []
  let [cursor, unreadable]: [string | null, number] = [null, 0]
  do {
    const page: Page = expectOk(await ask(cursor))
    rows.push(...page.data)
    unreadable += page.unreadable
    cursor = page.cursor
  } while (cursor !== null)
  return { rows, unreadable }
}

function print({ rows, unreadable }: Passed, words: Words, terminal: Terminal): ExitCode {
  if (words.is('json')) for (const row of rows) terminal.out(JSON.stringify(row))
  else if (rows.length > 0) for (const line of rowTable(rows, terminal)) terminal.out(line)
  else terminal.note('The store knows every object of this window.')
  if (unreadable > 0) terminal.note(`${unreadable} lines of the processor could not be read.`)
  return exitCodes.ok
}

function rowTable(rows: readonly RecoveryObject[], { style }: Terminal): readonly string[] {
  return table(
    [
      { title: 'OBJECT' },
      { title: 'THERE' },
      { title: 'PAYMENT' },
      { title: 'FOUND' },
      { title: 'RESULT', paint: (cell) => (cell.startsWith('left') ? style('red', cell) : cell) },
      { title: 'STATE' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'ACCOUNT', max: 20 },
      { title: 'PAYEE', max: 24 },
      { title: 'KEY' },
      { title: 'WHY', max: 60 },
    ],
    rows.map((row) => [
      row.processor_reference,
      row.processor_status,
      row.payment ?? '–',
      row.found,
      row.result,
      row.state ?? '–',
      formatAmount(row.amount, row.currency),
      row.account ?? '–',
      row.payee ?? '–',
      row.key_known ? 'known' : '–',
      row.why ?? '',
    ]),
  )
}

export const recoverCommands: readonly Command[] = [show, rebuild, confirm]
