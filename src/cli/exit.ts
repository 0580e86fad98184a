// How a command ends. Whatever is wrong is one line that says what to do next, never a stack trace.
import type { Problem } from '../client/index.ts'

export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3, refused: 4 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** `--help` and the docs print this table. */
export const exitCodeMeanings: readonly (readonly [number, string])[] = [
  [exitCodes.ok, 'what was asked for was done'],
  [exitCodes.failed, 'it was not: unpaid, unknown, or not finished yet'],
  [exitCodes.usage, 'the command line, a file or a setting is wrong; nothing was sent'],
  [exitCodes.unreachable, 'the service could not be reached'],
  [exitCodes.refused, 'the service refused; the message has its reason'],
  // As shells have it for Ctrl-C.
  [130, 'it was interrupted'],
]

/** Ends a command early. The only error that commands throw on purpose. */
export class Stop extends Error {
  readonly exitCode: ExitCode
  readonly problem: Problem | null

  constructor(exitCode: ExitCode, message: string, problem: Problem | null = null) {
    super(message)
    this.exitCode = exitCode
    this.problem = problem
  }
}

export const usageError = (message: string): Stop => new Stop(exitCodes.usage, message)

/** A problem of the service as the end of a command. */
export function stopFor(problem: Problem): Stop {
  if (problem.status === 0) {
    const hint = 'Is it running? `quittance start` starts one; --url or QUITTANCE_URL says where.'
    return new Stop(
      exitCodes.unreachable,
      `The service does not answer (${problem.detail}). ${hint}`,
      problem,
    )
  }
  // The detail tells the first of them already.
  const faults = (problem.errors ?? [])
    .filter(({ pointer, reason }) => !problem.detail.includes(`${pointer} ${reason}`))
    .map(({ pointer, reason }) => ` ${pointer} ${reason}.`)
    .join('')
  const message = `${problem.title} (${problem.code}). ${problem.detail}${faults}${hintFor(problem)}`
  const code = problem.status >= 500 ? exitCodes.failed : exitCodes.refused
  return new Stop(code, message, problem)
}

function hintFor({ code, next_action: next }: Problem): string {
  if (code === 'unauthenticated') {
    return ' Set QUITTANCE_AGENT_TOKEN or QUITTANCE_OPERATOR_TOKEN to a token of this service.'
  }
  if (code === 'processor_unreachable') return ' Run the same command again then.'
  if (next.type === 'retry_same_key')
    return ' It is not known whether it was done: run the same command again.'
  return ''
}
