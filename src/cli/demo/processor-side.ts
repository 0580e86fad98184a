// The processor's own side of the demo: its faults, its counts and its ledger. Agents and Quittance
// never see any of it; the check at the end does.

export interface Charge {
  readonly id: string
  readonly status: string
  readonly amount: number
  readonly currency: string
  readonly amount_captured: number
  readonly payee: string
  /** Whoever made it chose it; Quittance writes its payment's id. */
  readonly reference: string
  /** How often its money was taken, counted from what was booked. */
  readonly captures: number
}

export interface ProcessorStats {
  readonly calls: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly captures: number
}

export interface Arrival {
  /** Unix time. */
  readonly at_ms: number
  /** It met the outage. */
  readonly out: boolean
}

export interface ProcessorSide {
  readonly setFaults: (plan: object) => Promise<void>
  readonly setWebhook: (url: string, secret: string) => Promise<void>
  readonly stats: () => Promise<ProcessorStats>
  /** When each write came in, from then on. */
  readonly arrivals: (fromMs: number) => Promise<readonly Arrival[]>
  readonly charges: () => Promise<readonly Charge[]>
  /** Takes money beside Quittance; for the test of the check itself. */
  readonly charge: (body: object, key: string) => Promise<void>
}

export function openProcessorSide(url: string, apiKey: string): ProcessorSide {
  const call = async (
    method: string,
    path: string,
    body?: object,
    key?: string,
  ): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok)
      throw new Error(`the simulated processor answers ${response.status} to ${path}: ${text}`)
    return JSON.parse(text)
  }
  // The simulator's README has the shape of these answers.
  return Object.freeze({
    setFaults: async (plan: object) => void (await call('PUT', '/faults', plan)),
    setWebhook: async (to: string, secret: string) =>
      void (await call('PUT', '/v1/webhook', { url: to, secret })),
    stats: async () => (await call('GET', '/stats')) as ProcessorStats,
    arrivals: async (fromMs: number) =>
      ((await call('GET', `/arrivals?from_ms=${fromMs}`)) as { writes: readonly Arrival[] }).writes,
    charges: async () => ((await call('GET', '/ledger')) as { charges: readonly Charge[] }).charges,
    charge: async (body: object, key: string) =>
      void (await call('POST', '/v1/charges', body, key)),
  })
}
