#!/usr/bin/env node
// The command line: finds the command, runs it, and turns whatever went wrong into one clear line and
// an exit code.
import { readFileSync } from 'node:fs'

import { ConfigError } from '../config.ts'
import { generalHelp, helpFor, readWords } from './command.ts'
import type { Command } from './command.ts'
import { commands } from './commands/all.ts'
import { exitCodes, Stop, usageError } from './exit.ts'
import type { ExitCode } from './exit.ts'
import { openTerminal } from './terminal.ts'
import type { Terminal } from './terminal.ts'

async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first, second] = args
  if (first === undefined || first === '--help' || first === 'help') {
    terminal.out(generalHelp(commands))
    return first === undefined ? exitCodes.usage : exitCodes.ok
  }
  if (first === '--version') {
    terminal.out(version())
    return exitCodes.ok
  }
  const group = groupOf(first)
  if (group.length > 0 && second === '--help') {
    terminal.out(generalHelp(group))
    return exitCodes.ok
  }
  const command = find(first, second)
  const rest = args.slice(command.name.split(' ').length)
  if (rest.includes('--help')) {
    terminal.out(helpFor(command))
    return exitCodes.ok
  }
  return command.run(readWords(command, rest), terminal)
}

function find(first: string, second: string | undefined): Command {
  const found = commands.find(({ name }) => name === first || name === `${first} ${second}`)
  if (found !== undefined) return found
  const group = groupOf(first).map(({ name }) => `quittance ${name}`)
  if (group.length > 0) {
    const no = second === undefined ? '' : `There is no command "${first} ${second}". `
    throw usageError(`${no}Which one? ${group.join(', ')}.`)
  }
  throw usageError(`There is no command "${first}". \`quittance --help\` lists them.`)
}

const groupOf = (first: string): readonly Command[] =>
  commands.filter(({ name }) => name.startsWith(`${first} `))

// The same two folders up in a checkout and in the package.
function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version // our own file
}

function endFor(error: unknown, terminal: Terminal, json: boolean): ExitCode {
  const stop = error instanceof Stop ? error : null
  const message = error instanceof Error ? error.message : String(error)
  // One line, whatever a library put into its message.
  terminal.note(`quittance: ${message.replace(/\s+/g, ' ').trim()}`)
  if (json && stop?.problem != null) terminal.out(JSON.stringify({ problem: stop.problem }))
  if (stop !== null) return stop.exitCode
  return error instanceof ConfigError ? exitCodes.usage : exitCodes.failed
}

const terminal = openTerminal()
const args = process.argv.slice(2)
process.exitCode = await main(args, terminal).catch((error: unknown) =>
  endFor(error, terminal, args.includes('--json')),
)
