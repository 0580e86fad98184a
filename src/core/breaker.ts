// The circuit breaker of one processor account, as data: what calls have said lately, and whether one
// more may pass. The row is durable and shared, and each process writes it on condition of its version.
//
// closed     Everything passes. Opens when enough of the last calls failed (`failures`), or at once on
//            a fault of the account (`account_fault`).
// open       Nothing passes, and calls that were under way when it opened change nothing. After the
//            cool-down a probe is due: whoever stores `beginProbe` first makes it.
// half_open  The probe's payment passes, nobody else. Its verdict counts only under the probe's epoch:
//            good closes; bad or a fault opens again with twice the cool-down; a probe that was not
//            sent after all gives its turn away; one that says nothing in time is followed by another.
//
// Time alone never closes it, and no clock keeps it open: see `stillAhead`.
import type { Answer, Signal } from './outcome.ts'

/** What one call says about the processor. `fault`: a configuration fault of the account. */
export type Verdict = 'good' | 'bad' | 'fault'

export interface Breaker {
  readonly state: 'closed' | 'open' | 'half_open'
  /** Raised by each opening and each probe, never lowered. */
  readonly epoch: number
  /** Calls since it last closed, newest last, at most `window`; kept while it is open, to be shown. */
  readonly recent: readonly {
    readonly bad: boolean
    readonly atMs: number
    readonly paymentId: string
  }[]
  /** Of the last opening; `null` while closed. */
  readonly reason: 'failures' | 'account_fault' | 'probe_failed' | null
  /** In a row without closing: the cool-down doubles with each. */
  readonly openings: number
  /** When it last opened from closed; of the last outage once it has closed again. */
  readonly openedAtMs: number | null
  /** When it last closed after an opening. */
  readonly closedAtMs: number | null
  /** From when on a probe is due; `null` while closed. */
  readonly probeAtMs: number | null
  /** The one that is under way; only while half open. */
  readonly probe: { readonly paymentId: string; readonly untilMs: number } | null
}

export interface BreakerPolicy {
  /** So many calls are looked at, the newest ones. */
  readonly window: number
  /** So many bad ones among them open it, */
  readonly failures: number
  /** or so many, the newest, with no good one between: an outage is noticed sooner than a bad hour. */
  readonly straight: number
  /** Either way of so many payments: what only ever fails one is its retry policy's business. */
  readonly payments: number
  /** What is older says nothing about now. */
  readonly forgetAfterMs: number
  readonly coolDown: { readonly baseMs: number; readonly capMs: number }
  /** A probe that has not reported by then may be followed by another. */
  readonly probeWithinMs: number
}

export const defaultBreakerPolicy: BreakerPolicy = {
  // More than half of twenty: a bad stretch of the network is no outage. Five in a row are one: it costs
  // five calls, and those that were under way when it began.
  window: 20,
  failures: 12,
  straight: 5,
  payments: 3,
  forgetAfterMs: 60_000,
  // A deployment at the processor is over in seconds; after a long outage money waits a minute more.
  coolDown: { baseMs: 2_000, capMs: 60_000 },
  // Longer than a slot, a call and its recovery together take.
  probeWithinMs: 30_000,
}

export const closedBreaker: Breaker = {
  state: 'closed',
  epoch: 0,
  recent: [],
  reason: null,
  openings: 0,
  openedAtMs: null,
  closedAtMs: null,
  probeAtMs: null,
  probe: null,
}

export type Gate =
  | { readonly gate: 'pass' }
  /** Nothing of this payment until then; at most the longest cool-down or probe from now. */
  | { readonly gate: 'blocked'; readonly untilMs: number }
  /** It may go as the probe, once `beginProbe` is stored. */
  | { readonly gate: 'probe_due' }

/** May this payment's call go now? */
export function gateOf(
  breaker: Breaker,
  paymentId: string,
  nowMs: number,
  policy: BreakerPolicy = defaultBreakerPolicy,
): Gate {
  const { state, probe, probeAtMs } = breaker
  switch (state) {
    case 'closed':
      return { gate: 'pass' }
    case 'open': {
      const untilMs = stillAhead(probeAtMs, nowMs, policy.coolDown.capMs)
      return untilMs === null ? { gate: 'probe_due' } : { gate: 'blocked', untilMs }
    }
    case 'half_open': {
      const untilMs = stillAhead(probe?.untilMs ?? null, nowMs, policy.probeWithinMs)
      if (untilMs === null) return { gate: 'probe_due' }
      return probe?.paymentId === paymentId ? { gate: 'pass' } : { gate: 'blocked', untilMs }
    }
  }
}

/**
 * The time, if it is still to come. Nothing is ever set farther ahead than `longestMs`, so what looks
 * farther was set by a clock that has jumped back since, or by one that is ahead of ours. Up to twice
 * as far it is waited for, no longer than `longestMs` at a time: clocks of processes differ a little.
 * Beyond that it counts as past. The worst of it is one probe too early.
 */
function stillAhead(timeMs: number | null, nowMs: number, longestMs: number): number | null {
  if (timeMs === null || timeMs <= nowMs || timeMs > nowMs + 2 * longestMs) return null
  return Math.min(timeMs, nowMs + longestMs)
}

/**
 * This payment's call becomes the probe, under a new epoch; a probe that ran out of time is forgotten
 * with its own. Throws where `gateOf` does not say `probe_due`.
 */
export function beginProbe(
  breaker: Breaker,
  paymentId: string,
  nowMs: number,
  policy: BreakerPolicy,
): Breaker {
  const { gate } = gateOf(breaker, paymentId, nowMs, policy)
  if (gate !== 'probe_due') throw new Error(`a probe is begun only when one is due, not on ${gate}`)
  const probe = { paymentId, untilMs: nowMs + policy.probeWithinMs }
  return { ...breaker, state: 'half_open', epoch: breaker.epoch + 1, probe }
}

/** What a call has to say when it is over. */
export interface Report {
  /** `none`: says nothing about the processor. Of a probe: it gives its turn away. */
  readonly verdict: Verdict | 'none'
  /** Of the probe that this call was; `null`: an ordinary call. */
  readonly epoch: number | null
  /** The breaker's number when an ordinary call got its leave; a call from before it closed is old news. */
  readonly seen?: number
  readonly paymentId: string
  /** When the call was over. */
  readonly atMs: number
}

/**
 * The breaker after these calls, told in any order of time. The same object where nothing changed, so
 * that nobody writes while all is well.
 */
export function record(
  breaker: Breaker,
  reports: readonly Report[],
  nowMs: number,
  policy: BreakerPolicy,
): Breaker {
  return reports.reduce((now, report) => recordOne(now, report, nowMs, policy), breaker)
}

function recordOne(
  breaker: Breaker,
  report: Report,
  nowMs: number,
  policy: BreakerPolicy,
): Breaker {
  const isCurrent = report.epoch === breaker.epoch
  if (report.epoch === null && (report.seen ?? breaker.epoch) !== breaker.epoch) return breaker
  switch (breaker.state) {
    case 'closed':
      // A probe of an earlier epoch began before the one that closed it: old news.
      return report.epoch === null || isCurrent ? count(breaker, report, nowMs, policy) : breaker
    case 'open':
      return breaker
    case 'half_open':
      return isCurrent ? endProbe(breaker, report, nowMs, policy) : breaker
  }
}

function count(
  breaker: Breaker,
  { verdict, atMs, paymentId }: Report,
  nowMs: number,
  policy: BreakerPolicy,
): Breaker {
  if (verdict === 'none') return breaker
  if (verdict === 'fault') return open(breaker, 'account_fault', nowMs, policy)
  // What was seen before the clock jumped back ages from now on, instead of never.
  const seen = breaker.recent.map((each) => (each.atMs > nowMs ? { ...each, atMs: nowMs } : each))
  const fresh = seen.filter((each) => nowMs - each.atMs <= policy.forgetAfterMs)
  // Good calls in front of the first bad one would be the first to leave the window: never needed.
  if (verdict === 'good' && !fresh.some(({ bad }) => bad)) return breaker
  const entry = { bad: verdict === 'bad', atMs: Math.min(atMs, nowMs), paymentId }
  if (nowMs - entry.atMs > policy.forgetAfterMs) return breaker
  const recent = [...fresh, entry].toSorted((a, b) => a.atMs - b.atMs).slice(-policy.window)
  // Older than a whole window of others.
  if (!recent.includes(entry)) return breaker
  const counted = { ...breaker, recent }
  return hasFailed(recent, policy) ? open(counted, 'failures', nowMs, policy) : counted
}

function hasFailed(recent: Breaker['recent'], policy: BreakerPolicy): boolean {
  const failed = recent.filter(({ bad }) => bad)
  const straight = recent.length - 1 - recent.findLastIndex(({ bad }) => !bad)
  if (failed.length < policy.failures && straight < policy.straight) return false
  return new Set(failed.map(({ paymentId }) => paymentId)).size >= policy.payments
}

function endProbe(
  breaker: Breaker,
  { verdict }: Report,
  nowMs: number,
  policy: BreakerPolicy,
): Breaker {
  switch (verdict) {
    case 'good':
      return {
        ...closedBreaker,
        epoch: breaker.epoch,
        openedAtMs: breaker.openedAtMs,
        closedAtMs: nowMs,
      }
    case 'none':
      // Nothing was learned: no longer cool-down, and the next may try at once.
      return { ...breaker, state: 'open', probeAtMs: nowMs, probe: null }
    case 'bad':
      return open(breaker, 'probe_failed', nowMs, policy)
    case 'fault':
      return open(breaker, 'account_fault', nowMs, policy)
  }
}

function open(
  breaker: Breaker,
  reason: NonNullable<Breaker['reason']>,
  nowMs: number,
  { coolDown: { baseMs, capMs } }: BreakerPolicy,
): Breaker {
  const openings = breaker.openings + 1
  return {
    ...breaker,
    state: 'open',
    epoch: breaker.epoch + 1,
    reason,
    openings,
    openedAtMs: breaker.state === 'closed' ? nowMs : (breaker.openedAtMs ?? nowMs),
    probeAtMs: nowMs + Math.min(capMs, baseMs * 2 ** Math.min(openings - 1, 30)),
    probe: null,
  }
}

/**
 * What each signal says about the processor; `null`: nothing. A refusal of this payment is the answer
 * of one that works, whatever an agent has sent.
 */
const verdicts: Readonly<Record<Signal, Verdict | 'by_cause' | null>> = {
  done: 'good',
  not_final: 'good',
  already_in_state: 'good',
  declined: 'good',
  invalid_content: 'good',
  not_sent: 'by_cause',
  connection_lost: 'bad',
  gateway_error: 'bad',
  server_error: 'bad',
  unreadable: 'bad',
  unlisted: 'bad',
  account_fault: 'fault',
  // It works, and asks for less: that is the rate limit's business.
  slow_down: null,
  // Answers to what we did before, not to how it is now.
  in_flight: null,
  key_mismatch: null,
  mismatched_answer: null,
}

/**
 * The network's codes for a connection that could not be made: refused, reset or unreachable, no DNS,
 * no TLS. All else that kept a call from being sent is a word of ours (`started_too_late`,
 * `no_connection_in_time`, `stopped`) or a limit of this machine (`EMFILE`), and says nothing.
 */
const noConnection: readonly RegExp[] = [
  /^(processor_unreachable|connect_timeout)$/,
  /^E(CONN|HOST|NET|AI_|TIMEDOUT$|NOTFOUND$|PIPE$|PROTO$)/,
  /^UND_ERR_(CONNECT_TIMEOUT|SOCKET)$/,
  /^ERR_(SSL|TLS|SOCKET_CONNECTION)_/,
  // The names that Node gives to OpenSSL's verdicts about a certificate.
  /CERT|^(UNABLE_TO|CRL)_|^(HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/,
]

/** What an answer says about the processor; `null`: nothing. */
export function verdictOf({ signal, cause }: Pick<Answer, 'signal' | 'cause'>): Verdict | null {
  const verdict = verdicts[signal]
  if (verdict !== 'by_cause') return verdict
  return noConnection.some((form) => form.test(cause)) ? 'bad' : null
}
