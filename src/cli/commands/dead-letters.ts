// Dead letters: payments parked past the retry policy, in front of a person.
import type { Client, DeadLetterResult, Operating } from '../../client/index.ts'
import { parkReasons } from '../../core/dead-letter.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { filterOf, filterOptions } from '../letter-filter.ts'
import { pageOf, pageOptions, printPage } from '../pages.ts'
import { redriveAll } from '../redrive-all.ts'
import { deadLetterSheet, deadLetterTable } from '../show-dead-letter.ts'
import type { Terminal } from '../terminal.ts'

const statuses = ['open', 'redriven', 'resolved', 'any'] as const

const list: Command = {
  name: 'dead-letters list',
  summary: 'payments that wait for a person',
  about: `
Lists the payments that were parked: the machine has tried what it may, and asks a person. Newest first.
\`dead-letters show\` has all that is known of one, and what to do about it.`,
  examples: [
    'quittance dead-letters list',
    'quittance dead-letters list --reason-code outcome_unknown --older-than 2h',
  ],
  options: {
    ...remoteOptions,
    status: { value: statuses.join('|'), what: 'which of them (open)' },
    ...filterOptions,
    ...pageOptions,
  },
  run: async (words, terminal) => {
    const given = words.text('status') ?? 'open'
    const status = statuses.find((each) => each === given)
    if (status === undefined)
      throw usageError(`--status is "${given}"; it must be ${statuses.join(', ')}.`)
    const query = { ...filterOf(words), ...pageOf(words), status }
    const client = await connect(words, 'operator')
    const { payments: data, cursor } = expectOk(await client.deadLetters(query))
    return printPage({ data, cursor }, words, terminal, 'dead letters', deadLetterTable)
  },
}

const show: Command = {
  name: 'dead-letters show',
  operands: 'ID',
  summary: 'one parked payment: what is known, and what to do',
  about: `
Shows a parked payment with the operation that it is stuck in, what was tried, the last evidence, and
what to try first. \`payments events\` has its whole history.`,
  examples: ['quittance dead-letters show pay_01JD4Z0M8Q'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    return print(await client.deadLetter(words.operands[0] ?? ''), words, terminal)
  },
}

const note: Command = {
  name: 'dead-letters note',
  operands: 'ID TEXT',
  summary: 'leave a note for the next operator',
  about: `
Keeps one note with the parked payment, in place of the one before; "" takes it away. The audit keeps
them all.`,
  examples: ['quittance dead-letters note pay_01JD4Z0M8Q "asked their support, ticket 4711"'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const [id = '', text = ''] = words.operands
    const noted = await client.noteDeadLetter(id, text.trim() === '' ? null : text)
    return print(noted, words, terminal)
  },
}

const reason = { value: 'TEXT', what: 'why; kept with the payment (required)' } as const
const version = { value: 'N', what: 'act only if the payment is still at this version' } as const

const redrive: Command = {
  name: 'dead-letters redrive',
  operands: '[ID]',
  summary: 'try parked payments again from where they stand: one, or --all',
  about: `
Gives a parked payment a fresh count of tries. It goes on from what is stored: what may still take
effect is looked up or sent again under its own key, never as a new payment.

With --all every open dead letter is redriven, one after the other, or those that --reason-code and the
like name. It ends early where everything is stopped or their processor is paused, because they would
only wait; run it again then. It is safe to interrupt.`,
  examples: [
    'quittance dead-letters redrive pay_01JD4Z0M8Q --reason "processor is back"',
    'quittance dead-letters redrive --all --reason-code retries_exhausted --reason "processor is back"',
  ],
  options: {
    ...remoteOptions,
    reason,
    version,
    all: { what: 'all that are open, or those that the options below name' },
    ...filterOptions,
  },
  run: async (words, terminal) => {
    const why = whyOf(words)
    const filter = filterOf(words)
    const [id] = words.operands
    if (words.is('all')) {
      if (id !== undefined) throw usageError('Give an ID or --all, not both.')
      const client = await connect(words, 'operator')
      return redriveAll(client, filter, why, words.is('json'), terminal)
    }
    if (id === undefined)
      throw usageError('ID is missing: name one payment, or --all. `dead-letters list` has them.')
    if (Object.keys(filter).length > 0)
      throw usageError('--reason-code and the like choose among --all; with an ID leave them out.')
    return operate(words, terminal, id, (client, how) => client.redrive(id, how))
  },
}

// A code given as the reason would be a filter that was left out: all would be redriven.
function whyOf(words: Words): string {
  const why = words.needed('reason', 'it is kept with the payment')
  if (parkReasons.some((code) => code === why))
    throw usageError(`--reason is why you do it; to choose by code write --reason-code ${why}.`)
  return why
}

const resolve: Command = {
  name: 'dead-letters resolve',
  operands: 'ID',
  summary: 'say what the processor shows for a parked payment',
  about: `
Ends a parked payment by a person's word. Look at the processor first: \`not-paid\` ends it without
money, and the bill may then be asked again; \`paid\` needs the id of the processor's object. Where two
operators are required the first word is kept, and the same word of another one decides.`,
  examples: [
    'quittance dead-letters resolve pay_01JD4Z0M8Q --finding not-paid --reason "no charge in the dashboard"',
    'quittance dead-letters resolve pay_01JD4Z0M8Q --finding paid --object ch_123 --reason "seen in the dashboard"',
  ],
  options: {
    ...remoteOptions,
    finding: { value: 'paid|not-paid', what: 'what the processor shows (required)' },
    object: { value: 'ID', what: 'the processor’s id of the charge, with --finding paid' },
    reason,
    version,
  },
  run: (words, terminal) => {
    const object = words.text('object')
    const finding = words.text('finding')
    if (finding !== 'paid' && finding !== 'not-paid')
      throw usageError('--finding must be paid or not-paid.')
    if (finding === 'paid' && object === null)
      throw usageError('--finding paid needs --object, the id at the processor.')
    const what =
      finding === 'paid'
        ? ({ finding, processor_reference: object ?? '' } as const)
        : ({ finding: 'not_paid' } as const)
    const id = words.operands[0] ?? ''
    return operate(words, terminal, id, (client, how) => client.resolve(id, what, how))
  },
}

async function operate(
  words: Words,
  terminal: Terminal,
  id: string,
  act: (client: Client, how: Operating) => Promise<DeadLetterResult>,
): Promise<ExitCode> {
  const why = whyOf(words)
  const client = await connect(words, 'operator')
  // Without a version the act is about the payment as it is now.
  const shown = words.text('version') === null ? expectOk(await client.get(id)).payment.version : 0
  const how = { reason: why, version: words.integer('version', shown, 0, Number.MAX_SAFE_INTEGER) }
  return print(await act(client, how), words, terminal)
}

function print(result: DeadLetterResult, words: Words, terminal: Terminal): ExitCode {
  const { payment, proposed } = expectOk(result)
  const lines = words.is('json') ? [JSON.stringify(payment)] : deadLetterSheet(payment)
  for (const line of lines) terminal.out(line)
  const { dead_letter: letter, hold } = payment
  if (proposed) {
    terminal.note('Kept as a proposal; the same word of another operator decides.')
    return exitCodes.failed
  }
  if (letter.status === 'redriven' && hold !== null) {
    terminal.note(`It waits: ${hold.reason}. It goes on by itself when that is over.`)
  }
  return exitCodes.ok
}

export const deadLetterCommands: readonly Command[] = [list, show, note, redrive, resolve]
