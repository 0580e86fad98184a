// The configured processors: how they are, and the switch of each.
import type { Client, ProcessorResult } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { processorTable } from '../show-operations.ts'
import type { Terminal } from '../terminal.ts'
import { whyNeeded, whyOption } from './stop.ts'

const list: Command = {
  name: 'processors list',
  summary: 'the processors: paused or not, and their circuit breakers',
  about: `
Shows each configured processor. An open breaker lets nothing through that moves money; after a pause
it lets one payment try, and closes when that goes well. It needs nobody for that.`,
  examples: ['quittance processors list'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const { data } = expectOk(await client.processors())
    const lines = words.is('json')
      ? data.map((each) => JSON.stringify(each))
      : processorTable(data, terminal.style)
    for (const line of lines) terminal.out(line)
    return exitCodes.ok
  },
}

const pause: Command = {
  name: 'processors pause',
  operands: 'NAME',
  summary: 'no call that moves money goes to this processor',
  about: `
Pauses one processor from the next call on. Payments that are bound to it wait where they stand, new ones
are taken and wait too, and look-ups go on. \`quittance processors resume\` ends it.`,
  examples: ['quittance processors pause simulated --reason "their status page is red"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) =>
    throwSwitch(words, terminal, (client, name, how) => client.pauseProcessor(name, how)),
}

const resume: Command = {
  name: 'processors resume',
  operands: 'NAME',
  summary: 'let the payments of a paused processor go on',
  about: `
Ends a pause. Its payments go on from where they stand. A circuit breaker that is open stays so until
the processor answers well again; dead letters stay until somebody redrives them.`,
  examples: ['quittance processors resume simulated --reason "their status page is green"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) =>
    throwSwitch(words, terminal, (client, name, how) => client.resumeProcessor(name, how)),
}

async function throwSwitch(
  words: Words,
  terminal: Terminal,
  act: (client: Client, name: string, how: { readonly reason: string }) => Promise<ProcessorResult>,
): Promise<ExitCode> {
  const reason = words.needed('reason', whyNeeded)
  const client = await connect(words, 'operator')
  const { processor } = expectOk(await act(client, words.operands[0] ?? '', { reason }))
  const lines = words.is('json')
    ? [JSON.stringify(processor)]
    : processorTable([processor], terminal.style)
  for (const line of lines) terminal.out(line)
  return exitCodes.ok
}

export const processorCommands: readonly Command[] = [list, pause, resume]
