// How long a request is tried again, and how far apart: exponential, with full jitter, so that those who
// were in each other's way do not meet again.

export interface Patience {
  readonly sleep: (forMs: number) => Promise<void>
  readonly random: () => number
}

/** The first waits are about as long as a transaction; the last ones give a partition time to split. */
const firstWaitMs = 10
const longestWaitMs = 800

/** Nothing is tried more often. */
export const maxTries = 16

/**
 * Nor begun later than so long after the first try: a transaction that was left half done is completed
 * by DynamoDB within seconds, and the step of a payment has 30 s.
 */
export const longestMs = 8_000

export async function pause({ sleep, random }: Patience, tries: number): Promise<void> {
  await sleep(random() * Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 1)))
}
