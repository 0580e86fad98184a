// What a command is, how its words are read, and the help that follows from it.
import { parseArgs } from 'node:util'

import { exitCodeMeanings, usageError } from './exit.ts'
import type { ExitCode } from './exit.ts'
import type { Terminal } from './terminal.ts'

export interface Option {
  /** The name of its value; an option without one is a switch. */
  readonly value?: string
  readonly what: string
}

export interface Command {
  /** As it is typed: one word, or two. */
  readonly name: string
  /** What follows the name, such as `FILE`; what stands in brackets may be left out. */
  readonly operands?: string
  readonly summary: string
  /** A few lines that teach. */
  readonly about: string
  readonly examples: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  readonly run: (words: Words, terminal: Terminal) => Promise<ExitCode>
}

/** The words after the command's name, as its options declare them. */
export interface Words {
  readonly operands: readonly string[]
  readonly is: (option: string) => boolean
  readonly text: (option: string) => string | null
  readonly integer: (option: string, otherwise: number, min: number, max: number) => number
  /** What must be given; `why` ends the sentence that says so. */
  readonly needed: (option: string, why: string) => string
}

const everywhere: Readonly<Record<string, Option>> = {
  json: { what: 'print JSON, one value a line, for programs' },
  help: { what: 'print this' },
}

export const remoteOptions: Readonly<Record<string, Option>> = {
  url: { value: 'URL', what: 'the service (QUITTANCE_URL, else http://127.0.0.1:4020)' },
}

export function readWords(command: Command, args: readonly string[]): Words {
  const declared = { ...command.options, ...everywhere }
  const options = Object.fromEntries(
    Object.entries(declared).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  const { values, positionals } = parse(command, args, options)
  const wanted = (command.operands ?? '').split(' ').filter((word) => word !== '')
  if (values['help'] !== true) checkOperands(command, wanted, positionals)
  return {
    operands: positionals,
    is: (option) => values[option] === true,
    text: (option) => textOf(values[option]),
    needed: (option, why) => {
      const text = textOf(values[option])
      if (text !== null && text.trim() !== '') return text
      throw usageError(`--${option} is missing: ${why}.`)
    },
    integer: (option, otherwise, min, max) => {
      const text = textOf(values[option])
      if (text === null) return otherwise
      const number = Number(text)
      if (/^\d+$/.test(text) && number >= min && number <= max) return number
      throw usageError(`--${option} is "${text}"; it must be a whole number from ${min} to ${max}.`)
    },
  }
}

type ParseOptions = Record<string, { readonly type: 'boolean' | 'string' }>

function parse(command: Command, args: readonly string[], options: ParseOptions) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's first sentence names the option; the rest advises something that is no use here.
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error)
    throw usageError(`${message}. \`quittance ${command.name} --help\` lists the options.`)
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function checkOperands(
  command: Command,
  wanted: readonly string[],
  given: readonly string[],
): void {
  const missing = wanted[given.length]
  const usage = `Usage: quittance ${command.name} ${command.operands ?? ''}`.trimEnd()
  if (missing !== undefined && !missing.startsWith('['))
    throw usageError(`${missing} is missing. ${usage}`)
  if (given.length > wanted.length)
    throw usageError(`"${given[wanted.length]}" is one word too many. ${usage}`)
}

export function helpFor(command: Command): string {
  const head = `quittance ${[command.name, command.operands, '[options]'].filter(Boolean).join(' ')}`
  const options = Object.entries({ ...command.options, ...everywhere }).map(
    ([name, { value, what }]) =>
      [`--${name}${value === undefined ? '' : ` ${value}`}`, what] as const,
  )
  const examples = command.examples.map((example) => `  ${example}`)
  return [
    head,
    '',
    command.about.trim(),
    '',
    'Options',
    ...columns(options),
    '',
    'Examples',
    ...examples,
  ].join('\n')
}

export function generalHelp(commands: readonly Command[]): string {
  const list = commands.map(
    ({ name, operands, summary }) =>
      [`${name}${operands === undefined ? '' : ` ${operands}`}`, summary] as const,
  )
  const codes = exitCodeMeanings.map(([code, meaning]) => [String(code), meaning] as const)
  return [
    'quittance: payments for autonomous agents that happen once or not at all, and say which',
    '',
    'Usage: quittance COMMAND [options]',
    '',
    'Commands',
    ...columns(list),
    '',
    'Every command takes --json (for programs) and --help (with examples).',
    'Settings come from the environment: QUITTANCE_URL, QUITTANCE_DATA, QUITTANCE_AGENT_TOKEN,',
    'QUITTANCE_OPERATOR_TOKEN, and for `serve` QUITTANCE_HOST, QUITTANCE_PORT, QUITTANCE_SIMULATOR_URL.',
    '',
    'Exit codes',
    ...columns(codes),
    '',
    'Begin with',
    '  quittance start              service and simulated processor together',
    '  quittance demo               agents, faults, crashes, and whether it all adds up',
    '  quittance status             what a person should look at first',
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`)
}
