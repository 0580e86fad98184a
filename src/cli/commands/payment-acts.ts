// What an agent may ask of its payment: void, capture, refund. The key of each follows from the
// payment, so that a command which is typed twice asks once.
import type { PaymentResult } from '../../client/index.ts'
import { readAmount } from '../bills/amount.ts'
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { paymentSheet } from '../show-payment.ts'
import type { Terminal } from '../terminal.ts'
import { refundOf, waitForRefund } from '../wait-for-refund.ts'

const voidPayment: Command = {
  name: 'payments void',
  operands: 'ID',
  summary: 'end a payment before its money moves',
  about: `
Ends a payment without money, or says that it is too late. Where something is already on its way to
the processor the wish is recorded, nothing more is begun, and \`payments watch\` shows how it ends.`,
  examples: ['quittance payments void pay_01JD4Z0M8Q --reason "order cancelled"'],
  options: { ...remoteOptions, reason: { value: 'TEXT', what: 'why; kept with the payment' } },
  run: async (words, terminal) => {
    const client = await connect(words, 'agent')
    const reason = words.text('reason') ?? 'voided on the command line'
    return print(await client.void(words.operands[0] ?? '', { reason }), words.is('json'), terminal)
  },
}

const capture: Command = {
  name: 'payments capture',
  operands: 'ID',
  summary: 'take the money of a payment that was authorised for a manual capture',
  about: 'Captures the whole authorised amount, or less of it; the rest is given back.',
  examples: [
    'quittance payments capture pay_01JD4Z0M8Q',
    'quittance payments capture pay_01JD4Z0M8Q --amount 12.50',
  ],
  options: {
    ...remoteOptions,
    amount: { value: 'AMOUNT', what: 'less than the whole, with all decimals: 12.50' },
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'agent')
    const id = words.operands[0] ?? ''
    const text = words.text('amount')
    const { currency } = text === null ? { currency: '' } : expectOk(await client.get(id)).payment
    return print(await client.capture(id, amountOf(text, currency)), words.is('json'), terminal)
  },
}

const refund: Command = {
  name: 'payments refund',
  operands: 'ID',
  summary: 'give captured money back, all of it or a part',
  about: `
A refund has a reference of its own and happens once for each: the same reference again shows the
refund that exists. Without --amount all that is left is refunded. Waits for its end, and exits 1 where
it failed or is open when the time is up; \`payments watch\` goes on waiting.`,
  examples: [
    'quittance payments refund pay_01JD4Z0M8Q --reference RMA-7 --amount 5.00 --reason "damaged"',
  ],
  options: {
    ...remoteOptions,
    reference: { value: 'TEXT', what: 'what the refund is for; it refunds once (required)' },
    amount: { value: 'AMOUNT', what: 'less than the whole, with all decimals: 5.00' },
    reason: { value: 'TEXT', what: 'why; kept with the refund' },
    wait: { value: 'SECONDS', what: 'how long its end is waited for (10)' },
  },
  run: async (words, terminal) => {
    const reference = words.text('reference')
    if (reference === null)
      throw usageError('--reference is missing: each refund needs one, so that it happens once.')
    const waitMs = words.integer('wait', 10, 0, 3_600) * 1000
    const client = await connect(words, 'agent')
    const id = words.operands[0] ?? ''
    const text = words.text('amount')
    const { currency } = text === null ? { currency: '' } : expectOk(await client.get(id)).payment
    const reason = words.text('reason') ?? 'refunded on the command line'
    const what = { reference, reason, ...amountOf(text, currency) }
    const asked = expectOk(await client.refund(id, what))
    const payment = await waitForRefund(client, asked.payment, reference, waitMs)
    print({ ...asked, payment }, words.is('json'), terminal)
    const status = refundOf(payment, reference)?.status ?? 'open'
    if (status === 'succeeded') return exitCodes.ok
    terminal.note(
      status === 'open'
        ? `The refund is still open; \`quittance payments watch ${payment.id}\` shows how it ends.`
        : 'The refund failed: no money went back.',
    )
    return exitCodes.failed
  },
}

function amountOf(text: string | null, currency: string): { amount?: number } {
  if (text === null) return {}
  const amount = readAmount(text, currency)
  if (typeof amount === 'string') throw usageError(`--amount: ${amount}.`)
  return { amount }
}

function print(result: PaymentResult, json: boolean, terminal: Terminal): ExitCode {
  const { payment } = expectOk(result)
  const lines = json ? [JSON.stringify(payment)] : paymentSheet(payment)
  for (const line of lines) terminal.out(line)
  return exitCodes.ok
}

export const paymentActs: readonly Command[] = [voidPayment, capture, refund]
