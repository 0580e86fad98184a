// A run of reconciliation on a terminal: waited for, and shown.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Client, Reconciliation } from '../../client/index.ts'
import { formatAmount } from '../../core/money.ts'
import type { Words } from '../command.ts'
import { expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { clean, table } from '../table.ts'
import type { Terminal } from '../terminal.ts'

type Style = Terminal['style']

const pollMs = 300

export async function awaitRun(client: Client, begun: Reconciliation): Promise<Reconciliation> {
  let shown = begun
  while (shown.status === 'running') {
    await sleep(pollMs)
    shown = expectOk(await client.reconciliation(begun.id)).reconciliation
  }
  return shown
}

export function showRun(ended: Reconciliation, words: Words, { out, style }: Terminal): ExitCode {
  if (words.is('json')) out(JSON.stringify(ended))
  else for (const line of reportOf(ended, style)) out(line)
  const isClean = ended.status === 'finished' && Object.keys(ended.breaks).length === 0
  return isClean ? exitCodes.ok : exitCodes.failed
}

function reportOf(run: Reconciliation, style: Style): readonly string[] {
  const what = run.file === null ? `${run.from} to ${run.to}` : fileOf(run.file)
  const head = `${run.id}: ${run.processor}, ${what}`
  if (run.status === 'failed') return [head, style('red', `It failed: ${run.cause ?? ''}`)]
  const matched = run.match_rate === null ? 'nothing to match' : percent(run.match_rate)
  const totals = Object.entries(run.totals).map(([currency, { ours, theirs, matched }]) => [
    currency,
    formatAmount(ours, currency),
    formatAmount(theirs, currency),
    formatAmount(matched, currency),
    formatAmount(ours - theirs, currency),
  ])
  const right = { align: 'right' } as const
  return [
    head,
    `${run.payments} payments, ${run.records} records (${run.foreign} of others), matched: ${matched}`,
    ...(run.repeated === undefined || run.repeated === 0
      ? []
      : [`${run.repeated} rows were there more than once, and count once`]),
    `${run.evidence} payments learnt something from their record`,
    '',
    ...table(
      [
        { title: 'CURRENCY' },
        { title: 'OURS', ...right },
        { title: 'THEIRS', ...right },
        { title: 'AGREES', ...right },
        { title: 'DIFFERENCE', ...right },
      ],
      totals,
    ),
    '',
    ...(Object.keys(run.breaks).length === 0
      ? ['No differences.']
      : [
          ...Object.entries(run.breaks).map(
            ([type, count]) => `${String(count).padStart(6)} × ${type}`,
          ),
          'See them with `quittance breaks list`.',
        ]),
  ]
}

/** Rounded down: 100 % is all of it. */
export const percent = (rate: number): string => `${Math.floor(rate * 10_000) / 100} %`

const fileOf = ({ name, batches }: NonNullable<Reconciliation['file']>): string => {
  const shown = batches.slice(0, 5).join(', ')
  const more = batches.length > 5 ? ` and ${batches.length - 5} more` : ''
  return clean(batches.length === 0 ? name : `${name}, batch ${shown}${more}`)
}
