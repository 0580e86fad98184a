// How things stand: the switch for everything, processors, dead letters, alerts; read and shown.
import type { Alert, Client, DeadLetter, ProcessorStatus, StopSwitch } from '../client/index.ts'
import { expectOk } from './connect.ts'
import { showSeconds } from './duration.ts'
import { breakerSentence, stopSentence } from './show-operations.ts'
import { clean } from './table.ts'
import type { Terminal } from './terminal.ts'

export interface Standing {
  readonly stopped: StopSwitch['stopped']
  readonly processors: readonly ProcessorStatus[]
  readonly dead_letters: {
    readonly open: number
    /** There are more than were counted. */
    readonly more: boolean
    readonly by_reason: Readonly<Record<string, number>>
    readonly oldest_seconds: number | null
  }
  /** The firing ones. */
  readonly alerts: readonly Alert[]
}

/** Pages of dead letters that are counted: a thousand and fifty thousand call for the same. */
const maxPages = 5

export async function readStanding(
  client: Pick<Client, 'readStop' | 'processors' | 'deadLetters' | 'alerts'>,
): Promise<Standing> {
  const [stop, processors, alerts] = await Promise.all([
    client.readStop(),
    client.processors(),
    client.alerts({ status: 'firing', limit: 100 }),
  ])
  const letters: DeadLetter[] = []
  let cursor: string | null = null
  for (let page = 0; page === 0 || (cursor !== null && page < maxPages); page += 1) {
    const query: { limit: number; cursor?: string } = { limit: 100 }
    if (cursor !== null) query.cursor = cursor
    const read: { payments: readonly DeadLetter[]; cursor: string | null } = expectOk(
      await client.deadLetters(query),
    )
    letters.push(...read.payments)
    cursor = read.cursor
  }
  return {
    stopped: expectOk(stop).stopped,
    processors: expectOk(processors).data,
    dead_letters: { ...count(letters), more: cursor !== null },
    alerts: expectOk(alerts).data,
  }
}

function count(letters: readonly DeadLetter[]): Omit<Standing['dead_letters'], 'more'> {
  const byReason: Record<string, number> = {}
  for (const { dead_letter: letter } of letters) {
    byReason[letter.reason] = (byReason[letter.reason] ?? 0) + 1
  }
  const ages = letters.map(({ dead_letter: letter }) => letter.age_seconds)
  const oldest = ages.length === 0 ? null : Math.max(...ages)
  return { open: letters.length, by_reason: byReason, oldest_seconds: oldest }
}

export function standingSheet(
  { stopped, processors, dead_letters: letters, alerts }: Standing,
  style: Terminal['style'],
): readonly string[] {
  const line = (name: string, text: string, isFine: boolean): string =>
    `${name.padEnd(14)}${isFine ? clean(text) : style('red', clean(text))}`
  const list = processors.map(({ name, livemode, paused, breaker }) => {
    const mode = livemode ? 'live' : 'test'
    const halted =
      paused === null ? '' : `paused since ${paused.since} by ${paused.by}: ${paused.reason}; `
    const isFine = paused === null && (breaker === null || breaker.state === 'closed')
    return line(
      'processor',
      `${name} (${mode}): ${halted}breaker ${breakerSentence(breaker)}`,
      isFine,
    )
  })
  return [
    line('payments', stopSentence(stopped), stopped === null),
    ...list,
    line('dead letters', lettersSentence(letters), letters.open === 0),
    ...(alerts.length === 0 ? [line('alerts', 'none', true)] : []),
    ...alerts.flatMap((alert) => [
      line('alert', alertSentence(alert), alert.severity === 'info'),
      `${''.padEnd(14)}${clean(`${alert.todo} ${alert.runbook}`)}`,
    ]),
  ]
}

function lettersSentence({
  open,
  more,
  by_reason: reasons,
  oldest_seconds: oldest,
}: Standing['dead_letters']): string {
  if (open === 0) return 'none'
  const parts = Object.entries(reasons).map(([reason, number]) => `${number} ${reason}`)
  const age =
    oldest === null ? '' : `; the oldest ${more ? 'of these ' : ''}for ${showSeconds(oldest)}`
  return `${open}${more ? ' and more' : ''}: ${parts.join(', ')}${age}`
}

function alertSentence({
  severity,
  title,
  count: number,
  subject,
  detail,
  first_at: since,
}: Alert): string {
  const about = [subject, detail].filter(Boolean).join(' ')
  const which = about === '' ? '' : ` (${about})`
  return `${severity}: ${title}${which}, ${number}×, since ${since}`
}
