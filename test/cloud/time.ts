// The one clock of a local run, faster than the wall's by a printed factor: a wait of fifteen minutes
// is over in ninety seconds at a factor of ten. Loaded before anything else into every process of the
// run (`node --import`), so that functions, timers, schedules and the processor agree. What runs on
// the real clock: Node's own HTTP timeouts, and the database's stream retention.
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type * as Timers from 'node:timers'
import type * as Later from 'node:timers/promises'
import { promisify } from 'node:util'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const real = {
  now: Date.now.bind(Date),
  performanceNow: performance.now.bind(performance),
  hrtime: process.hrtime.bind(process),
  bigint: process.hrtime.bigint.bind(process.hrtime),
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
}

const factorText = process.env['CLOUD_TIME_FACTOR'] ?? '3'
const epochText = process.env['CLOUD_TIME_EPOCH'] ?? String(real.now())
// What a function finds in its environment is what its template says.
delete process.env['CLOUD_TIME_FACTOR']
delete process.env['CLOUD_TIME_EPOCH']

/** How much faster than the wall's clock. */
export const factor = Number(factorText)
const epochMs = Number(epochText)
if (!(factor >= 1) || !Number.isFinite(epochMs)) throw new Error(`no clock: ${factorText}`)

/** What a further process needs in its environment to have the same clock. */
export const sameClock = (): Record<string, string> => ({
  CLOUD_TIME_FACTOR: String(factor),
  CLOUD_TIME_EPOCH: String(epochMs),
})

/** A moment of the wall's clock, on this one. */
export const onThisClock = (wallMs: number): number => epochMs + (wallMs - epochMs) * factor

const fastNow = (): number => Math.floor(onThisClock(real.now()))
const waitFor = (ms: number | undefined): number => (ms ?? 0) / factor

if (factor > 1) quicken()

function quicken(): void {
  Date.now = fastNow
  globalThis.Date = new Proxy(Date, {
    apply: (target) => new target(fastNow()).toString(),
    construct: (target, given: readonly unknown[]) =>
      Reflect.construct(target, given.length === 0 ? [fastNow()] : given) as Date,
  })
  performance.now = () => real.performanceNow() * factor
  process.hrtime = Object.assign(
    (since?: [number, number]): [number, number] => {
      const ns = process.hrtime.bigint()
      const from = since === undefined ? 0n : BigInt(since[0]) * 1_000_000_000n + BigInt(since[1])
      return [Number((ns - from) / 1_000_000_000n), Number((ns - from) % 1_000_000_000n)]
    },
    { bigint: () => real.bigint() * BigInt(Math.round(factor)) },
  )
  quickenTimers()
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController()
    const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
    real.setTimeout(() => controller.abort(late), waitFor(ms)).unref()
    return controller.signal
  }
}

function quickenTimers(): void {
  // Only the modules themselves can be written to, not what `import` gives of them.
  const require = createRequire(import.meta.url)
  const timers = require('node:timers') as Writable<typeof Timers>
  const later = require('node:timers/promises') as Writable<typeof Later>
  const laterReal = { setTimeout: later.setTimeout, setInterval: later.setInterval }
  later.setTimeout = async (ms, value, options) => laterReal.setTimeout(waitFor(ms), value, options)
  later.setInterval = (ms, value, options) => laterReal.setInterval(waitFor(ms), value, options)
  later.scheduler.wait = async (ms, options) => later.setTimeout(ms, undefined, options)
  const setTimeoutFast = Object.assign(
    (run: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) =>
      real.setTimeout(run, waitFor(ms), ...given),
    { [promisify.custom]: later.setTimeout },
  )
  const setIntervalFast = (run: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) =>
    real.setInterval(run, waitFor(ms), ...given)
  // The types of Node's timers carry overloads for callbacks that nobody here passes.
  globalThis.setTimeout = timers.setTimeout = setTimeoutFast as unknown as typeof setTimeout
  globalThis.setInterval = timers.setInterval = setIntervalFast as unknown as typeof setInterval
  syncBuiltinESMExports()
}
