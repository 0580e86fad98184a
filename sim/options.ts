// What kind of world a seed makes. Each draws another one, because a world with a little of
// everything never shows what only a lot of one thing can.
import type { Capabilities } from '../src/core/policy.ts'
import type { Random } from './random.ts'

export interface Options {
  /** What this world is about. */
  readonly focus: string
  /** The habits of its agents; `null`: all. */
  readonly habits: readonly string[] | null
  readonly bills: number
  readonly agents: number
  /** How many processes serve at once; two may drive the same payment. */
  readonly processes: number
  /** Clocks of the machines differ from the true time by so much at most. */
  readonly skewMs: number
  /** Faults happen for so long. */
  readonly faultyForMs: number
  readonly profile: string
  readonly capabilities: Capabilities
  /** The longest that a request of ours is under way, after its call has ended. */
  readonly arrivesWithinMs: number
  readonly rates: Rates
  readonly rateLimit: { readonly perSecond: number; readonly burst: number } | null
  /** A limit for a day, as a part of all bills together; `null`: none. */
  readonly dayLimit: number | null
  readonly approvals: boolean
  /** One agent has limits of its own, within the account's. */
  readonly agentLimits: boolean
  /** Bills come all at once, at so many moments; `null`: each at its own. */
  readonly bursts: number | null
  /** What bills are about. Few, so that different bills look alike. */
  readonly amounts: readonly number[]
  /** The way to our door and back takes so long at most. */
  readonly doorMs: number
}

/** Probabilities, each at its own place. */
export interface Rates {
  readonly crash: number
  readonly storeLost: number
  readonly storeAway: number
  readonly requestLost: number
  readonly answerLost: number
  readonly late: number
  readonly gateway: number
  readonly serverError: number
  readonly refused: number
  readonly slowDown: number
  readonly decline: number
  readonly pending: number
  readonly accountFault: number
  readonly outage: number
  readonly lookUpLost: number
  readonly webhookLost: number
  readonly webhookTwice: number
  readonly doorLost: number
  readonly clock: number
  readonly stall: number
  readonly reversal: number
  readonly operator: number
  readonly publisherLost: number
  /** Another process drives the payment as well. */
  readonly twin: number
  /** A request is worked on for so long that another one under its key may meet it there. */
  readonly slowWork: number
  /** Money is given back in the processor's own time, and sometimes not at all. */
  readonly slowRefund: number
  /** An answer cannot be read. */
  readonly garbled: number
  /** The store answers nobody for a while. */
  readonly storeOut: number
}

const hour = 3_600_000
const day = 24 * hour

const base: Capabilities = {
  keyWindowMs: day,
  keyCachesErrors: true,
  objectFirst: false,
  objectOnce: false,
  absenceAfterMs: null,
  fence: false,
  cancelByReference: false,
  lookupByReference: false,
  lookupLagMs: 0,
  twoStep: true,
  authorisationWindowMs: 7 * day,
  apiVersion: 'sim-1',
}

/** Kinds of processor that there are, each as unkind as its words allow. */
const profiles: Readonly<Record<string, Capabilities>> = {
  'keys, fence by reference, records': {
    ...base,
    fence: true,
    cancelByReference: true,
    absenceAfterMs: 5_000,
    lookupByReference: true,
    lookupLagMs: 2_000,
  },
  'keys, errors not stored': {
    ...base,
    keyCachesErrors: false,
    absenceAfterMs: 30_000,
    fence: true,
  },
  'object first, acts once': {
    ...base,
    objectFirst: true,
    objectOnce: true,
    fence: true,
    absenceAfterMs: 5_000,
  },
  'object first, acts once, errors not stored': {
    ...base,
    keyCachesErrors: false,
    objectFirst: true,
    objectOnce: true,
    fence: true,
  },
  'keys, one step': { ...base, twoStep: false, absenceAfterMs: 5_000 },
  'keys, one step, errors not stored': {
    ...base,
    twoStep: false,
    keyCachesErrors: false,
    absenceAfterMs: 60_000,
  },
  'keys soon forgotten': { ...base, keyWindowMs: hour + 20_000, absenceAfterMs: 5_000 },
  'keys, no fence, a look-up that lags': {
    ...base,
    lookupByReference: true,
    lookupLagMs: 20_000,
  },
}

export function drawOptions(random: Random, bills: number): Options {
  const drawn = drawAny(random, bills)
  const focus = random.pick(['none', 'none', ...Object.keys(focuses)])
  const { rates = {}, profile = drawn.profile, ...others } = focuses[focus] ?? {}
  const declared = profiles[profile] ?? base
  // Some let go of an authorisation within hours: captures, voids and the lapse itself then race.
  const authorisationWindowMs = random.pick([7 * day, 7 * day, 2 * hour])
  const capabilities = { ...declared, authorisationWindowMs }
  return {
    ...drawn,
    ...others,
    focus,
    profile,
    capabilities,
    arrivesWithinMs: capabilities.absenceAfterMs ?? 1_800_000,
    rates: { ...drawn.rates, ...rates },
  }
}

/** Troubles that only show together, and that chance alone would rarely bring together. */
const focuses: Readonly<Record<string, Focus>> = {
  'clocks that differ': {
    profile: 'keys soon forgotten',
    processes: 2,
    skewMs: 28_000,
    rates: { late: 0.3, refused: 0, requestLost: 0, clock: 0 },
  },
  'a clock that leaps': {
    profile: 'keys soon forgotten',
    processes: 1,
    faultyForMs: 120_000,
    rates: { late: 0.3, clock: 1, crash: 0 },
  },
  'keys that are forgotten': {
    profile: 'keys soon forgotten',
    faultyForMs: 4 * hour,
    rates: { operator: 1, outage: 1, answerLost: 0.3, late: 0 },
  },
  'one bill, many hands': {
    processes: 2,
    habits: ['twins', 'replanner', 'hasty', 'retrier', 'paraphraser', 'confused'],
    rates: { storeLost: 0.03, decline: 0.5 },
  },
  'second thoughts': {
    habits: ['canceller', 'capturer', 'obedient'],
    rates: { answerLost: 0.3, late: 0.2, gateway: 0.2 },
  },
  'a tight limit': {
    dayLimit: 0.4,
    bursts: 2,
    habits: ['twins', 'patient', 'canceller'],
  },
  // Many see the same rest at one moment, and each of them would take most of it.
  'a rush at a limit': {
    processes: 2,
    dayLimit: 0.3,
    approvals: false,
    agentLimits: false,
    bursts: 1,
    amounts: [24_000, 25_000, 26_000, 27_000],
    doorMs: 3,
    habits: ['patient', 'hasty', 'distinct'],
    rates: { crash: 0, storeLost: 0, storeAway: 0, doorLost: 0, storeOut: 0 },
  },
  'four eyes': {
    approvals: true,
    dayLimit: null,
    amounts: [500, 25_000, 1_000_000],
    habits: ['patient', 'hasty', 'canceller', 'capturer', 'obedient', 'retrier'],
    rates: { operator: 0.3 },
  },
  sleepers: {
    profile: 'keys soon forgotten',
    processes: 2,
    rates: { stall: 0.01, twin: 0.3, storeAway: 0, storeOut: 0, refused: 0 },
  },
  'a slow processor': { rates: { slowWork: 0.5, garbled: 0.1, answerLost: 0.2, late: 0.1 } },
  'money back': {
    habits: ['refunder', 'capturer', 'patient'],
    rates: { slowRefund: 0.5, answerLost: 0.3, reversal: 0.1, decline: 0 },
  },
  'restarts in an outage': { rates: { outage: 1, crash: 0.02 } },
}

interface Focus extends Partial<Omit<Options, 'rates' | 'focus' | 'capabilities'>> {
  readonly rates?: Partial<Rates>
}

function drawAny(random: Random, bills: number): Options {
  const profile = random.pick(Object.keys(profiles))
  const capabilities = profiles[profile] ?? base
  return {
    focus: 'none',
    habits: null,
    bills,
    agents: random.whole(1, 4),
    processes: random.chance(0.5) ? 2 : 1,
    skewMs: random.pick([50, 50, 28_000]),
    faultyForMs: random.pick([20_000, 120_000, 900_000, 4 * hour, 2 * day]),
    profile,
    capabilities,
    arrivesWithinMs: capabilities.absenceAfterMs ?? 1_800_000,
    rates: drawRates(random),
    rateLimit: random.chance(0.2) ? { perSecond: random.whole(1, 20), burst: 3 } : null,
    dayLimit: random.chance(0.3) ? 0.2 + random.next() : null,
    approvals: random.chance(0.2),
    agentLimits: random.chance(0.2),
    bursts: random.chance(0.3) ? random.whole(1, 4) : null,
    amounts: [1, 500, 1_999, 1_999, 25_000, 1_000_000],
    doorMs: 30,
  }
}

function drawRates(random: Random): Rates {
  // Each kind of trouble is absent from many worlds, rare in others, and common in some.
  const some = (most: number): number =>
    random.chance(0.4) ? 0 : most * (random.chance(0.4) ? 1 : 0.3 * random.next())
  return {
    crash: some(0.02),
    storeLost: some(0.05),
    storeAway: some(0.02),
    requestLost: some(0.2),
    answerLost: some(0.3),
    late: some(0.2),
    gateway: some(0.2),
    serverError: some(0.1),
    refused: some(0.2),
    slowDown: some(0.2),
    decline: some(0.3),
    pending: some(0.2),
    accountFault: some(0.02),
    outage: some(0.5),
    lookUpLost: some(0.3),
    webhookLost: some(0.5),
    webhookTwice: some(0.5),
    doorLost: some(0.2),
    clock: some(1),
    stall: some(0.003),
    reversal: some(0.1),
    operator: some(0.5),
    publisherLost: some(0.3),
    twin: some(0.3),
    slowWork: some(0.2),
    slowRefund: some(0.6),
    garbled: some(0.1),
    storeOut: some(0.5),
  }
}
