// What a run used, in the units that AWS bills. Counted where a call passes, never assumed.
export type Unit =
  | 'api_requests'
  | 'dynamodb_read_units'
  | 'dynamodb_write_units'
  | 'event_entries'
  | 'express_gb_seconds'
  | 'express_requests'
  | 'lambda_gb_seconds'
  | 'lambda_invocations'
  | 'log_bytes'
  | 'queue_requests'
  | 'schedule_invocations'
  | 'sns_requests'
  | 'state_transitions'

export type Counts = Readonly<Partial<Record<Unit, number>>>

export interface Meter {
  /** `by` tells who caused it: a function, an operation. */
  readonly add: (unit: Unit, by: string, count?: number) => void
  /** Writes to one partition of the table; where many are, a key is hot. */
  readonly wrote: (partition: string, units: number) => void
  readonly counts: () => Counts
  /** What each caused, as `unit by`. */
  readonly details: () => ReadonlyMap<string, number>
  readonly partitions: () => ReadonlyMap<string, number>
  readonly reset: () => void
}

export function createMeter(): Meter {
  const details = new Map<string, number>()
  const partitions = new Map<string, number>()
  const raise = (map: Map<string, number>, key: string, count: number): void => {
    map.set(key, (map.get(key) ?? 0) + count)
  }
  return Object.freeze({
    add: (unit: Unit, by: string, count = 1) => raise(details, `${unit} ${by}`, count),
    wrote: (partition: string, units: number) => raise(partitions, partition, units),
    counts: () => {
      const counts = new Map<string, number>()
      for (const [key, count] of details) raise(counts, key.split(' ')[0] ?? key, count)
      return Object.fromEntries(counts)
    },
    details: () => new Map(details),
    partitions: () => new Map(partitions),
    reset: () => {
      details.clear()
      partitions.clear()
    },
  })
}
