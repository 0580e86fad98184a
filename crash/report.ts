// What `npm run crash` prints at its end: a table for people, one line of JSON for programs.
import { table } from '../src/cli/table.ts'
import type { DiskResult } from './full-disk.ts'
import type { KillsResult } from './kills.ts'
import type { PowerResult } from './power/power.ts'

/** `null`: that part was not run. */
export interface Results {
  readonly seed: number
  readonly kills: KillsResult | null
  readonly disk: DiskResult | null
  readonly power: PowerResult | null
}

export interface Summary {
  readonly kills: number
  readonly payments: number
  /** That were acknowledged. */
  readonly webhooks: number
  readonly double_charges: number
  readonly lost: number
  readonly stuck: number
  readonly points: Readonly<Record<string, number>>
  readonly disk_tests: number
  readonly disk_skipped: number
  /** Disks that were rebuilt and opened. */
  readonly power_cuts: number
  /** Power losses under load. */
  readonly power_losses: number
  readonly power_control_red: boolean
  readonly faults: number
  readonly seed: number
}

export function summarise(results: Results): Summary {
  const { seed, kills, disk, power } = results
  const under = power?.under
  const lostToPower = [...(power?.faults.keys() ?? [])].filter((each) => each.startsWith('lost:'))
  return {
    kills: kills?.kills ?? 0,
    payments: (kills?.payments ?? 0) + (power?.payments ?? 0) + (under?.payments ?? 0),
    webhooks: (kills?.acknowledgedWebhooks ?? 0) + (under?.acknowledgedWebhooks ?? 0),
    double_charges: (kills?.doubleCharges ?? 0) + (under?.doubleCharges ?? 0),
    lost: (kills?.lost ?? 0) + lostToPower.length + (under?.lost ?? 0),
    stuck: (kills?.stuck ?? 0) + (under?.stuck ?? 0),
    points: kills?.points ?? {},
    disk_tests: disk?.passed ?? 0,
    disk_skipped: disk?.skipped ?? 0,
    power_cuts: power?.cuts ?? 0,
    power_losses: under?.losses ?? 0,
    power_control_red: power?.isControlRed ?? false,
    faults: faultsOf(results).length,
    seed,
  }
}

/** Everything that is wrong, in sentences. */
export function faultsOf({ kills, disk, power }: Results): readonly string[] {
  const cuts = [...(power?.faults ?? [])].map(
    ([what, moments]) => `power: ${what} (${moments.length} disks, first ${moments[0]})`,
  )
  const green = power?.isControlRed === false ? ['power: a control without fsync was not red'] : []
  return [
    ...(kills?.faults ?? []).map((each) => `kills: ${each}`),
    ...(disk?.faults ?? []).map((each) => `disk: ${each}`),
    ...cuts,
    ...green,
    ...(power?.under.faults ?? []).map((each) => `power under load: ${each}`),
  ]
}

/** A person reads the first ones; the rest is counted. */
const mostFaults = 40

export function report(results: Results): readonly string[] {
  const { kills, disk, power } = results
  const faults = faultsOf(results)
  if (kills === null && disk === null && power === null) return []
  return [
    ...(kills === null ? [] : ['', ...pointsTable(kills)]),
    '',
    ...table(
      [{ title: '' }, { title: 'COUNT', align: 'right' }, { title: '' }],
      [...killRows(kills), ...diskRows(disk), ...powerRows(power)],
    ),
    '',
    faults.length === 0 ? 'Nothing was lost, charged twice or left stuck.' : 'It is not right:',
    ...faults.slice(0, mostFaults).map((each) => `  ${each}`),
    ...(faults.length > mostFaults ? [`  and ${faults.length - mostFaults} more`] : []),
    `Seed ${results.seed}.`,
  ]
}

const pointsTable = ({ points }: KillsResult): readonly string[] =>
  table(
    [{ title: 'KILLED AT' }, { title: 'TIMES', align: 'right' }],
    Object.entries(points).map(([name, count]) => [name, String(count)]),
  )

type Rows = readonly (readonly [string, string, string])[]

function killRows(kills: KillsResult | null): Rows {
  if (kills === null) return []
  const named = Object.values(kills.points).reduce((sum, count) => sum + count, 0)
  const seconds = (kills.tookMs / 1000).toFixed(0)
  return [
    ['kills', String(kills.kills), `${named} at named points, in ${seconds} s`],
    ['payments', String(kills.payments), `${kills.acknowledgedKeys} acknowledged keys`],
    ['webhooks', String(kills.acknowledgedWebhooks), 'acknowledged'],
    ['captures', String(kills.captures), 'in the processor’s ledger'],
    ['double charges', String(kills.doubleCharges), ''],
    ['lost', String(kills.lost), ''],
    ['stuck', String(kills.stuck), ''],
  ]
}

function diskRows(disk: DiskResult | null): Rows {
  if (disk === null) return []
  return [
    ['disk tests', String(disk.passed), `${disk.skipped} skipped, ${disk.faults.length} failed`],
  ]
}

function powerRows(power: PowerResult | null): Rows {
  if (power === null) return []
  const { cuts, moments, syncs, promises, faults, red, under } = power
  const { payments, captures, doubleCharges } = under
  const charged = `${payments} payments, ${captures} captures, ${doubleCharges} double charges`
  return [
    ['disks after power cuts', String(cuts), `at ${moments} moments, ${syncs} syncs`],
    ['promises to others', String(promises), `${faults.size} broken`],
    ['controls without fsync', String(red.length), `red: ${red.join(', ') || 'none'}`],
    ['power losses under load', String(under.losses), charged],
    ['lost, stuck', `${under.lost}, ${under.stuck}`, ''],
  ]
}
