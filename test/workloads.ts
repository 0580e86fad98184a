// The lives that small scope and other proofs put a payment through.
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import { modelCapabilities } from './model-processor.ts'
import type { Workload } from './small-scope.ts'

const plain: Workload = {
  name: 'paid at a keyed processor',
  capabilities: modelCapabilities,
  capture: 'automatic',
  commands: [],
}
const voidAfter = (afterSteps: number): Workload => ({
  ...plain,
  name: `voided after ${afterSteps} steps`,
  commands: [{ afterSteps, command: { type: 'void', reason: 'changed my mind' } }],
})
const nervous = { ...defaultBreakerPolicy, failures: 1, straight: 1, payments: 1 }
const objectFirst = { ...modelCapabilities, objectFirst: true }

export const workloads: readonly Workload[] = [
  plain,
  voidAfter(0),
  voidAfter(1),
  voidAfter(2),
  {
    ...plain,
    name: 'captured by hand, refunded twice',
    capture: 'manual',
    commands: [
      { afterSteps: 3, command: { type: 'capture', amount: 1000 } },
      { afterSteps: 8, command: { type: 'refund', reference: 'r1', amount: 400, reason: 'part' } },
      { afterSteps: 9, command: { type: 'refund', reference: 'r2', amount: null, reason: 'rest' } },
    ],
  },
  { ...plain, name: 'paid through a breaker that opens at any failure', breakerPolicy: nervous },
  { ...voidAfter(2), name: 'voided behind such a breaker', breakerPolicy: nervous },
  { ...plain, name: 'paid where the object comes first', capabilities: objectFirst },
  {
    ...voidAfter(3),
    name: 'voided where the object comes first',
    capabilities: { ...objectFirst, cancelByReference: false },
  },
  { ...plain, name: 'paid in one step', capabilities: { ...modelCapabilities, twoStep: false } },
  {
    ...plain,
    name: 'paid where declines are not stored',
    capabilities: { ...modelCapabilities, keyCachesErrors: false },
  },
  {
    ...plain,
    name: 'paid where keys are soon forgotten',
    // An hour is the margin: what is left are 16 seconds, a little more than one recovered send.
    capabilities: { ...modelCapabilities, keyWindowMs: 3_616_000, objectOnce: false },
  },
  {
    ...voidAfter(2),
    name: 'voided without fence and without proof of absence',
    capabilities: {
      ...modelCapabilities,
      fence: false,
      cancelByReference: false,
      absenceAfterMs: null,
    },
  },
]
