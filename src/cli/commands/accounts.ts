// Whose money agents spend: the accounts, and the switch of each.
import type { AccountResult, AccountStatus, Client } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { pageOf, pageOptions, printPage } from '../pages.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { whyNeeded, whyOption } from './stop.ts'

const accountTable = (accounts: readonly AccountStatus[]): readonly string[] =>
  table(
    [{ title: 'ACCOUNT' }, { title: 'MAY PAY' }, { title: 'NAME' }],
    accounts.map(({ id, name, suspended }) => [id, suspended ? 'suspended' : 'yes', name]),
  )

const list: Command = {
  name: 'accounts list',
  summary: 'the accounts, and which of them are suspended',
  about: 'Lists the accounts whose money agents spend.',
  examples: ['quittance accounts list'],
  options: { ...remoteOptions, ...pageOptions },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.accounts(pageOf(words)))
    return printPage(page, words, terminal, 'accounts', accountTable)
  },
}

const show: Command = {
  name: 'accounts show',
  operands: 'ID',
  summary: 'one account',
  about: 'Shows an account: its name, and whether its agents may pay.',
  examples: ['quittance accounts show shop'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    return print(await client.account(words.operands[0] ?? ''), words, terminal)
  },
}

const add: Command = {
  name: 'accounts add',
  operands: 'ID',
  summary: 'make an account',
  about: `
Makes an account before its first agent; \`quittance agents add\` makes one as well. An account that is
there already is shown as it is.`,
  examples: ['quittance accounts add shop --name "the shop" --reason "it opens today"'],
  options: {
    ...remoteOptions,
    name: { value: 'TEXT', what: 'for people (the id)' },
    reason: whyOption,
  },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const id = words.operands[0] ?? ''
    const client = await connect(words, 'operator')
    return print(
      await client.addAccount(id, { name: words.text('name') ?? id, reason }),
      words,
      terminal,
    )
  },
}

const suspend: Command = {
  name: 'accounts suspend',
  operands: 'ID',
  summary: 'no agent of an account may ask for anything new, and its payments wait',
  about: `
Suspends an account with all of its agents from the next call on, as \`quittance agents suspend\` does
for one. \`quittance accounts resume\` ends it; agents that are suspended themselves stay so.`,
  examples: ['quittance accounts suspend shop --reason "its owner has left"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) =>
    throwSwitch(words, terminal, (client, id, how) => client.suspendAccount(id, how)),
}

const resume: Command = {
  name: 'accounts resume',
  operands: 'ID',
  summary: 'the agents of a suspended account may ask again',
  about: 'Ends a suspension. The payments of the account go on from where they stand.',
  examples: ['quittance accounts resume shop --reason "its owner is back"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) =>
    throwSwitch(words, terminal, (client, id, how) => client.resumeAccount(id, how)),
}

async function throwSwitch(
  words: Words,
  terminal: Terminal,
  act: (client: Client, id: string, how: { readonly reason: string }) => Promise<AccountResult>,
): Promise<ExitCode> {
  const reason = words.needed('reason', whyNeeded)
  const client = await connect(words, 'operator')
  return print(await act(client, words.operands[0] ?? '', { reason }), words, terminal)
}

function print(result: AccountResult, words: Words, terminal: Terminal): ExitCode {
  const { account } = expectOk(result)
  const lines = words.is('json') ? [JSON.stringify(account)] : accountTable([account])
  for (const line of lines) terminal.out(line)
  return exitCodes.ok
}

export const accountCommands: readonly Command[] = [list, show, add, suspend, resume]
