// Who reads the outbox: how far behind each is, what it did not take, and how it is offered that again.
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { pageOptions, printPage } from '../pages.ts'
import { publisherTable } from '../show-webhooks.ts'
import { table } from '../table.ts'
import { replayAll, replayOptions } from './webhooks.ts'

const list: Command = {
  name: 'publishers list',
  summary: 'who reads the outbox, and how far behind each is',
  about: `
Lists the publishers: the books, the feed, the webhooks. Each has a place of its own in the outbox, so that
one that is behind delays no other.`,
  examples: ['quittance publishers list'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.publishers())
    return printPage(page, words, terminal, 'publishers', (data) =>
      publisherTable(data, terminal.style),
    )
  },
}

const deadLetters: Command = {
  name: 'publishers dead-letters',
  operands: 'NAME',
  summary: 'events that a publisher would not take',
  about: 'Lists the events that were put aside because a publisher took others and not these.',
  examples: ['quittance publishers dead-letters ledger:9f0c2d1e-6a53-4f1e-8c1b-7d0a4e5b6c7d'],
  options: { ...remoteOptions, limit: pageOptions['limit'] ?? { what: '' } },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const limit = words.integer('limit', 20, 1, 100)
    const page = expectOk(await client.deadEvents(words.operands[0] ?? '', { limit }))
    return printPage(page, words, terminal, 'dead letters', (data) =>
      table(
        [{ title: 'AT' }, { title: 'PAYMENT' }, { title: 'REASON' }],
        data.map(({ at, payment_id: id, seq, reason }) => [at, `${id}/${seq}`, reason]),
      ),
    )
  },
}

const replay: Command = {
  name: 'publishers replay',
  operands: 'NAME',
  summary: 'offer a publisher events once more',
  about: 'Offers events again. Every publisher drops what it knows, so that too much does no harm.',
  examples: [
    'quittance publishers replay ledger:9f0c2d1e-6a53-4f1e-8c1b-7d0a4e5b6c7d --dead',
    'quittance publishers replay ledger:9f0c2d1e-6a53-4f1e-8c1b-7d0a4e5b6c7d --payment pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  ],
  options: { ...remoteOptions, ...replayOptions },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const name = words.operands[0] ?? ''
    return replayAll(words, terminal, (what) => client.replayPublisher(name, what))
  },
}

export const publisherCommands: readonly Command[] = [list, deadLetters, replay]
