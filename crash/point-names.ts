// The named places at which the service is killed. `points.ts` knows where they are in the program.

/** How a place is reached, and how many passings of it may be let through first. */
interface Point {
  /** `first_start`: of an empty folder; `stop`: the service is told to end. */
  readonly at: 'first_start' | 'start' | 'work' | 'stop'
  readonly most: number
}

// In the order of a life.
export const points = {
  file_locked: { at: 'first_start', most: 1 },
  before_opening: { at: 'first_start', most: 1 },
  in_migration: { at: 'first_start', most: 2 },
  migrated_before_commit: { at: 'first_start', most: 1 },
  before_rename: { at: 'start', most: 1 },
  begun: { at: 'work', most: 36 },
  between_writes: { at: 'work', most: 240 },
  applied: { at: 'work', most: 45 },
  before_commit: { at: 'work', most: 36 },
  after_commit: { at: 'work', most: 36 },
  in_checkpoint: { at: 'work', most: 24 },
  before_call: { at: 'work', most: 24 },
  call_sent: { at: 'work', most: 24 },
  answer_begun: { at: 'work', most: 18 },
  answer_not_stored: { at: 'work', most: 18 },
  before_answer: { at: 'work', most: 18 },
  after_answer: { at: 'work', most: 18 },
  before_webhook_answer: { at: 'work', most: 12 },
  before_last_checkpoint: { at: 'stop', most: 1 },
  after_last_checkpoint: { at: 'stop', most: 1 },
} as const satisfies Readonly<Record<string, Point>>

export type PointName = keyof typeof points

// `Object.keys` forgets which keys they are.
export const pointNames = Object.keys(points) as readonly PointName[]
