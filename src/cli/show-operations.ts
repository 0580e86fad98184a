// Switches, processors, agents, the audit and alerts as people read them.
import type {
  AgentStatus,
  Alert,
  AuditEntry,
  ProcessorStatus,
  StopSwitch,
  Thrown,
} from '../client/index.ts'
import { table } from './table.ts'
import type { Column } from './table.ts'
import type { Terminal } from './terminal.ts'

type Style = Terminal['style']

const thrown = ({ by, reason, since }: Thrown): string => `since ${since} by ${by}: ${reason}`

export function stopSentence(stopped: StopSwitch['stopped']): string {
  return stopped === null ? 'Payments go on.' : `Everything is stopped ${thrown(stopped)}`
}

export function processorTable(
  processors: readonly ProcessorStatus[],
  style: Style,
): readonly string[] {
  const columns: readonly Column[] = [
    { title: 'PROCESSOR' },
    { title: 'ACCOUNT' },
    { title: 'MODE' },
    { title: 'PAUSED', max: 70, paint: (cell) => alarming(cell, /^no/, style) },
    { title: 'BREAKER', max: 90, paint: (cell) => alarming(cell, /^closed/, style) },
  ]
  return table(
    columns,
    processors.map(({ name, account, livemode, paused, breaker }) => [
      name,
      account,
      livemode ? 'live' : 'test',
      paused === null ? 'no' : thrown(paused),
      breakerSentence(breaker),
    ]),
  )
}

export function breakerSentence(breaker: ProcessorStatus['breaker']): string {
  if (breaker === null) return 'closed'
  const { state, reason, since, next_probe_at: probe, recent_failures: failures } = breaker
  if (state === 'closed') return failures === 0 ? 'closed' : `closed, ${failures} recent failures`
  const next = probe === null ? '' : `, next probe ${probe}`
  return `${state}${reason === null ? '' : ` (${reason})`} since ${since ?? 'a while'}${next}`
}

function alarming(cell: string, fine: RegExp, style: Style): string {
  return fine.test(cell) ? cell : style('yellow', cell)
}

export function agentTable(agents: readonly AgentStatus[], style: Style): readonly string[] {
  const columns: readonly Column[] = [
    { title: 'AGENT' },
    { title: 'ACCOUNT' },
    { title: 'MAY PAY', paint: (cell) => alarming(cell, /^yes/, style) },
    { title: 'NAME' },
  ]
  return table(
    columns,
    agents.map(({ id, account, name, suspended, account_suspended: withAccount }) => [
      id,
      account,
      suspended ? 'suspended' : withAccount ? 'account suspended' : 'yes',
      name,
    ]),
  )
}

export function auditTable(entries: readonly AuditEntry[]): readonly string[] {
  const columns: readonly Column[] = [
    { title: 'AT' },
    { title: 'BY', max: 24 },
    { title: 'ACT' },
    { title: 'TARGET', max: 44 },
    { title: 'REASON', max: 60 },
  ]
  return table(
    columns,
    entries.map(({ at, by, act, target, reason }) => [at, by, act, target, reason]),
  )
}

export function alertTable(alerts: readonly Alert[], style: Style): readonly string[] {
  const columns: readonly Column[] = [
    {
      title: 'SEVERITY',
      paint: (cell) => (cell.startsWith('critical') ? style('red', cell) : cell),
    },
    { title: 'STATUS' },
    { title: 'COUNT', align: 'right' },
    { title: 'SINCE' },
    { title: 'WHAT', max: 70 },
    { title: 'ABOUT', max: 40 },
    { title: 'TO DO', max: 100 },
  ]
  return table(
    columns,
    alerts.map((alert) => [
      alert.severity,
      alert.status,
      String(alert.count),
      alert.first_at,
      alert.title,
      [alert.subject, alert.detail].filter(Boolean).join(' '),
      alert.todo,
    ]),
  )
}
