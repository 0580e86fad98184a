// What a function is told by its environment. Each has only what it uses; asking for more is a fault of
// the template and stops the function at its start.
import { environment } from '../config.ts'
import type { RateLimit } from '../core/rate.ts'
import type { Workflow } from './state-machine.ts'

export interface ProcessorSettings {
  readonly kind: 'simulated'
  readonly url: string
  readonly account: { readonly id: string; readonly livemode: boolean }
  readonly rate?: RateLimit
  readonly callTimeoutMs?: number
  readonly absenceAfterMs?: number
}

const names = [
  'AGENT_RATE',
  'ALERT_RUNBOOK_URL',
  'ALERT_TOPIC_ARN',
  'BUS',
  'CHECKPOINT_HOST',
  'EPOCH',
  'IAM_CALLERS',
  'INSTALLATION',
  'JWT',
  'PROCESSOR',
  'PROCESSORS',
  'PROCESSOR_SECRET_ARN',
  'RECONCILE_DAYS',
  'RECONCILE_MINUTES',
  'SANDBOX',
  'STATE_MACHINES',
  'TABLE',
  'UNKNOWN_ALERT_MINUTES',
  'WEBHOOK_SECRET_ARNS',
  'WORKFLOW',
  'WORK_QUEUE_URL',
] as const

type Name = (typeof names)[number]

export interface Settings {
  readonly text: (name: Name) => string
  readonly number: (name: Name) => number
  /** JSON that the template wrote. */
  readonly json: <T>(name: Name) => T
  readonly workflow: () => Workflow
}

export function readSettings(
  env: Readonly<Record<string, string | undefined>> = environment(),
): Settings {
  const text = (name: Name): string => {
    const value = env[`QUITTANCE_${name}`]
    if (value === undefined || value === '') throw new Error(`QUITTANCE_${name} is not set`)
    return value
  }
  return Object.freeze<Settings>({
    text,
    number(name) {
      const value = Number(text(name))
      if (Number.isFinite(value)) return value
      throw new Error(`QUITTANCE_${name} is no number`)
    },
    json<T>(name: Name): T {
      // Written by the template from typed properties.
      return JSON.parse(text(name)) as T
    },
    workflow: () => (text('WORKFLOW') === 'express' ? 'express' : 'standard'),
  })
}

/** `25/50`, or `off`. */
export function rateOf(text: string): RateLimit | null {
  const [perSecond, burst] = text.split('/').map(Number)
  return text === 'off' || perSecond === undefined ? null : { perSecond, burst: burst ?? 1 }
}
