// Many dead letters taken up again, page by page, until there are no more of them or something stands
// in the way of all. Safe to interrupt and to run again: what was redriven is no dead letter any more.
import type { Client, DeadLetterFilter, Redrive, RedriveResult } from '../client/index.ts'
import { expectOk } from './connect.ts'
import { exitCodes } from './exit.ts'
import type { ExitCode } from './exit.ts'
import { progressBar } from './progress-bar.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Redriven in one request: a second's work, so that the bar moves. */
const pageSize = 25

/** One page may take longer than a command waits for most answers. */
const pageDeadlineMs = 60_000

export type RedriveClient = Pick<Client, 'deadLetters' | 'redriveMany'>

export async function redriveAll(
  client: RedriveClient,
  filter: DeadLetterFilter,
  reason: string,
  json: boolean,
  terminal: Terminal,
): Promise<ExitCode> {
  const all = terminal.isWatched && !json ? await countLetters(client, filter) : 0
  const redriven: string[] = []
  const left: Redrive['left'][number][] = []
  for (let cursor: string | null = null; ;) {
    const which = { filter, limit: pageSize, ...(cursor === null ? {} : { cursor }) }
    const how = { reason, deadlineMs: pageDeadlineMs }
    const asked: RedriveResult = await client.redriveMany(which, how)
    const { redrive: page } = expectOk(asked)
    redriven.push(...page.redriven)
    left.push(...page.left)
    if (json) for (const line of linesOf(page)) terminal.out(JSON.stringify(line))
    const done = redriven.length + left.length
    terminal.live(progressBar(done, Math.max(all, done), `redriven ${redriven.length}`))
    if (page.stopped_by !== null || page.cursor === null) {
      terminal.live(null)
      return conclude(redriven, left, page.stopped_by, json, terminal)
    }
    cursor = page.cursor
  }
}

/** For the bar: a page holds payments in full, so it is only asked where somebody watches. */
async function countLetters(client: RedriveClient, filter: DeadLetterFilter): Promise<number> {
  let count = 0
  for (let cursor: string | null = null; ;) {
    const query = { ...filter, limit: 100, ...(cursor === null ? {} : { cursor }) }
    const page: { payments: readonly object[]; cursor: string | null } = expectOk(
      await client.deadLetters(query),
    )
    count += page.payments.length
    if (page.cursor === null) return count
    cursor = page.cursor
  }
}

function linesOf({ redriven, left }: Redrive): readonly object[] {
  return [
    ...redriven.map((id) => ({ id, result: 'redriven', code: null })),
    ...left.map(({ id, code }) => ({ id, result: 'left', code })),
  ]
}

function conclude(
  redriven: readonly string[],
  left: Redrive['left'],
  stoppedBy: Redrive['stopped_by'],
  json: boolean,
  terminal: Terminal,
): ExitCode {
  if (json) {
    const counts = { redriven: redriven.length, left: left.length }
    terminal.out(JSON.stringify({ ...counts, stopped_by: stoppedBy }))
  } else {
    if (left.length > 0) {
      const columns = [{ title: 'LEFT AS IT IS' }, { title: 'WHY' }]
      const rows = left.map(({ id, code }) => [id, code])
      for (const line of [...table(columns, rows), '']) terminal.out(line)
    }
    terminal.out(sentenceFor(redriven.length, left.length))
  }
  if (stoppedBy !== null) terminal.note(`It ended early: ${obstacles[stoppedBy]}`)
  // Whatever is no dead letter any more has been seen to by somebody else.
  const isDone = stoppedBy === null && left.every(({ code }) => code === 'not_parked')
  return isDone ? exitCodes.ok : exitCodes.failed
}

function sentenceFor(redriven: number, left: number): string {
  if (redriven + left === 0) return 'Nothing was redriven: no open dead letter is like that.'
  const others = left === 0 ? '' : `, ${left} left as they are`
  return `${redriven} redriven${others}. \`quittance payments list\` shows how they go on.`
}

const again = 'then run the same command again'

const obstacles: Readonly<Record<NonNullable<Redrive['stopped_by']>, string>> = {
  stopped: `everything is stopped. \`quittance resume --reason …\` lets payments go on; ${again}.`,
  processor_paused:
    'the processor is paused, or its circuit breaker is not closed. `quittance processors list` ' +
    'says which and why; resume it, or redrive one payment by its id, which probes; ' +
    `${again}.`,
  agent_suspended: `the agent is suspended. \`quittance agents resume ID --reason …\`, ${again}.`,
  clock_jumped: `the clock of the service has leapt back. Set it right and restart the service, ${again}.`,
}
