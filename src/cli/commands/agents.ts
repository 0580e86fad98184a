// Who may pay: the agents, their tokens, and the switch of each.
import type { AgentResult, Client } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { pageOptions, pageOf, printPage } from '../pages.ts'
import { agentTable } from '../show-operations.ts'
import type { Terminal } from '../terminal.ts'
import { whyNeeded, whyOption } from './stop.ts'

const list: Command = {
  name: 'agents list',
  summary: 'the agents, and which of them are suspended',
  about: 'Lists the agents without their tokens, which are stored nowhere.',
  examples: ['quittance agents list'],
  options: { ...remoteOptions, ...pageOptions },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.agents(pageOf(words)))
    return printPage(page, words, terminal, 'agents', (agents) =>
      agentTable(agents, terminal.style),
    )
  },
}

const add: Command = {
  name: 'agents add',
  operands: 'ID',
  summary: 'make an agent, or a further token for one',
  about: `
Prints a token for the agent: this one time, only its hash is kept. The agent and its account are made
where they are new. Agents of one account share its mandate, and see each other's payments unless they are made with
--visibility own.`,
  examples: ['quittance agents add agent_books --account shop --name "the one that buys books"'],
  options: {
    ...remoteOptions,
    account: { value: 'ACCOUNT', what: 'whose money it spends (default)' },
    name: { value: 'TEXT', what: 'for people (the id)' },
    visibility: { value: 'own|account', what: 'whose payments it sees (account)' },
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const id = words.operands[0] ?? ''
    const account = words.text('account') ?? 'default'
    // The service says what else it may be.
    const visibility = words.text('visibility') as 'own' | 'account' | null
    const seeing = visibility === null ? {} : { visibility }
    const { agent } = expectOk(
      await client.addAgent({ id, account, name: words.text('name') ?? id, ...seeing }),
    )
    if (words.is('json')) {
      terminal.out(JSON.stringify(agent))
      return exitCodes.ok
    }
    // The token alone: it can be piped to where it is kept.
    terminal.out(agent.token)
    terminal.note(`This is the token of ${agent.id}, account ${agent.account}. Keep it now.`)
    if (agent.suspended || agent.account_suspended)
      terminal.note('It is suspended, or its account is: it may ask for nothing new.')
    return exitCodes.ok
  },
}

const suspend: Command = {
  name: 'agents suspend',
  operands: 'ID',
  summary: 'an agent may ask for nothing new, and its payments wait',
  about: `
Suspends one agent from the next call on: new payments are refused, those that it has wait where they
stand, and it is still told what became of them. \`quittance agents resume\` ends it.`,
  examples: ['quittance agents suspend agent_books --reason "nobody knows what it buys"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) =>
    throwSwitch(words, terminal, (client, id, how) => client.suspendAgent(id, how)),
}

const resume: Command = {
  name: 'agents resume',
  operands: 'ID',
  summary: 'a suspended agent may ask again',
  about: 'Ends a suspension. The payments of the agent go on from where they stand.',
  examples: ['quittance agents resume agent_books --reason "its owner has looked"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) =>
    throwSwitch(words, terminal, (client, id, how) => client.resumeAgent(id, how)),
}

async function throwSwitch(
  words: Words,
  terminal: Terminal,
  act: (client: Client, id: string, how: { readonly reason: string }) => Promise<AgentResult>,
): Promise<ExitCode> {
  const reason = words.needed('reason', whyNeeded)
  const client = await connect(words, 'operator')
  const { agent } = expectOk(await act(client, words.operands[0] ?? '', { reason }))
  const lines = words.is('json') ? [JSON.stringify(agent)] : agentTable([agent], terminal.style)
  for (const line of lines) terminal.out(line)
  return exitCodes.ok
}

export const agentCommands: readonly Command[] = [list, add, suspend, resume]
