// One sheet for a person who was woken up: what stands still, and why.
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import { readStanding, standingSheet } from '../standing.ts'

export const status: Command = {
  name: 'status',
  summary: 'what a person should look at first',
  about: `
Shows on one sheet whether payments go on: the stop switch, each processor with its circuit breaker,
the dead letters by reason, and the alerts that are firing with what to do about each.`,
  examples: ['quittance status', 'quittance status --json'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const standing = await readStanding(await connect(words, 'operator'))
    const lines = words.is('json')
      ? [JSON.stringify(standing)]
      : standingSheet(standing, terminal.style)
    for (const line of lines) terminal.out(line)
    return exitCodes.ok
  },
}
