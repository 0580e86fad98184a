// Dead letters: payments parked past the retry policy, in front of a person.
import type { Client, Operating, PaymentResult } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import { paymentSheet, paymentTable } from '../show-payment.ts'
import type { Terminal } from '../terminal.ts'

const list: Command = {
  name: 'dead-letters list',
  summary: 'payments that wait for a person',
  about:
    'Lists the payments that were parked: the machine has tried what it may, and asks a person.',
  examples: ['quittance dead-letters list'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const { payments, cursor } = expectOk(await client.deadLetters({ limit: 100 }))
    if (words.is('json')) for (const payment of payments) terminal.out(JSON.stringify(payment))
    else if (payments.length === 0) terminal.note('There are no dead letters.')
    else for (const line of paymentTable(payments)) terminal.out(line)
    if (cursor !== null) terminal.note('There are more than these 100.')
    return exitCodes.ok
  },
}

const reason = { value: 'TEXT', what: 'why; kept with the payment (required)' } as const
const version = { value: 'N', what: 'act only if the payment is still at this version' } as const

const redrive: Command = {
  name: 'dead-letters redrive',
  operands: 'ID',
  summary: 'try a parked payment again from where it stands',
  about: `
Gives a parked payment a fresh count of tries. It goes on from what is stored: what may still take
effect is looked up or sent again under its own key, never as a new payment.`,
  examples: ['quittance dead-letters redrive pay_01JD4Z0M8Q --reason "processor is back"'],
  options: { ...remoteOptions, reason, version },
  run: (words, terminal) => operate(words, terminal, (client, id, how) => client.redrive(id, how)),
}

const resolve: Command = {
  name: 'dead-letters resolve',
  operands: 'ID',
  summary: 'say what the processor shows for a parked payment',
  about: `
Ends a parked payment by a person's word. Look at the processor first: \`not-paid\` ends it without
money, and the bill may then be asked again; \`paid\` needs the id of the processor's object.`,
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
    return operate(words, terminal, (client, id, how) => client.resolve(id, what, how))
  },
}

async function operate(
  words: Words,
  terminal: Terminal,
  act: (client: Client, id: string, how: Operating) => Promise<PaymentResult>,
) {
  const why = words.text('reason')
  if (why === null) throw usageError('--reason is missing: it is kept with the payment.')
  const client = await connect(words, 'operator')
  const id = words.operands[0] ?? ''
  // Without a version the act is about the payment as it is now.
  const shown = words.text('version') === null ? expectOk(await client.get(id)).payment.version : 0
  const how = { reason: why, version: words.integer('version', shown, 0, Number.MAX_SAFE_INTEGER) }
  const { payment } = expectOk(await act(client, id, how))
  const lines = words.is('json') ? [JSON.stringify(payment)] : paymentSheet(payment)
  for (const line of lines) terminal.out(line)
  return exitCodes.ok
}

export const deadLetterCommands: readonly Command[] = [list, redrive, resolve]
