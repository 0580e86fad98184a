// What can be set about the simulated processor. It reads no environment and no files for this:
// whoever starts it says everything here.

export interface SimulatorSettings {
  /** The SQLite file of the ledger, or `:memory:`. Only one simulator may have it open. */
  readonly file: string
  readonly apiKey: string
  readonly accountId: string
  /** Of fault choice, until `PUT /faults` gives another. */
  readonly seed: number
  /** Unix time; everything that is dated or falls due goes by it. */
  readonly nowMs: () => number
  /** How long an idempotency key is remembered, from its first use. */
  readonly keyWindowMs: number
  /** Are declines and other errors stored under the key, or only 2xx? */
  readonly keyCachesErrors: boolean
  /** A look-up by reference does not see younger charges. */
  readonly lookupLagMs: number
  readonly settleAfterMs: number
  readonly authorisationWindowMs: number
  /** How long `acct_processing` stays in `processing`. */
  readonly processingMs: number
  /** How long a `late` request is under way after its client got a 504. */
  readonly lateMs: number
  /** When the server itself ends a connection that it holds. */
  readonly maxHoldMs: number
  /** A `slow` request takes between these two. */
  readonly slowMs: readonly [number, number]
  /** What 429 and 503 `slow_down` ask for. */
  readonly retryAfterMs: number
  /** How late a `delay_webhook` event goes out. */
  readonly webhookDelayMs: number
  /** The wait before the first of three repeats; each next wait is four times as long. */
  readonly webhookRetryMs: number
}

export type SimulatorOptions = Partial<SimulatorSettings>

const dayMs = 86_400_000

/** Key window, expiry and hold as Stripe has them; the others are short enough for a demo. */
const defaults: SimulatorSettings = Object.freeze({
  file: ':memory:',
  apiKey: 'sim_test_key',
  accountId: 'acct_simulated',
  seed: 1,
  nowMs: Date.now,
  keyWindowMs: dayMs,
  keyCachesErrors: true,
  lookupLagMs: 2_000,
  settleAfterMs: 0,
  authorisationWindowMs: 7 * dayMs,
  processingMs: 1_000,
  lateMs: 800,
  maxHoldMs: 60_000,
  slowMs: [500, 2_000] as const,
  retryAfterMs: 500,
  webhookDelayMs: 1_500,
  webhookRetryMs: 250,
})

export function settingsFrom(options: SimulatorOptions): SimulatorSettings {
  return Object.freeze({ ...defaults, ...options })
}
