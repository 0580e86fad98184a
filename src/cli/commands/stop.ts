// The switch for everything. `start` is the name of another command: what was stopped is resumed.
import type { Client, StopResult } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { stopSentence } from '../show-operations.ts'
import type { Terminal } from '../terminal.ts'

export const whyOption = {
  value: 'TEXT',
  what: 'why; shown to whoever looks, and kept (required)',
} as const

export const whyNeeded = 'everybody who looks is shown why'

const stop: Command = {
  name: 'stop',
  summary: 'stop everything: no new payments, no call that moves money',
  about: `
Refuses new payments and lets no call go out that moves money, from the next call on. What is in flight
ends properly, and look-ups go on, so that what is unknown becomes known. Nothing is lost: payments
wait where they stand, and go on after \`quittance resume\`. Replays of known keys are answered.`,
  examples: ['quittance stop --reason "the shop sends every order twice"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) => throwSwitch(words, terminal, (client, how) => client.stop(how)),
}

const resume: Command = {
  name: 'resume',
  summary: 'let payments go on after a stop',
  about: `
Ends what \`quittance stop\` began. Payments go on from where they stand. A processor that was paused and
an agent that was suspended stay so: each has a \`resume\` of its own.`,
  examples: ['quittance resume --reason "the shop is mended"'],
  options: { ...remoteOptions, reason: whyOption },
  run: (words, terminal) => throwSwitch(words, terminal, (client, how) => client.start(how)),
}

async function throwSwitch(
  words: Words,
  terminal: Terminal,
  act: (client: Client, how: { readonly reason: string }) => Promise<StopResult>,
): Promise<ExitCode> {
  const reason = words.needed('reason', whyNeeded)
  const { stopped } = expectOk(await act(await connect(words, 'operator'), { reason }))
  terminal.out(words.is('json') ? JSON.stringify({ stopped }) : stopSentence(stopped))
  if (stopped !== null && stopped.reason !== reason) {
    terminal.note('It was stopped before, and stays as it was: the reason is the first one.')
  }
  return exitCodes.ok
}

export const stopCommands: readonly Command[] = [stop, resume]
