// Calls as the engine makes them, for payments that never repeat.
import { attemptId } from '../../core/operation.ts'
import type { OperationKind } from '../../core/payment.ts'
import type { Call, LookUp, Processor } from '../../ports.ts'

export interface CallFacts {
  readonly paymentId?: string
  readonly number?: number
  readonly amount?: number
  readonly currency?: string
  readonly payee?: string
  readonly paymentMethod?: string | null
  readonly objectId?: string | null
  readonly oneStep?: boolean
  readonly timeoutMs?: number
}

/** Long enough for a busy machine; tests that wait for its end give a short one. */
const patientMs = 5_000

let payments = 0

export function newPaymentId(): string {
  payments += 1
  return `pay_test${process.pid}x${payments}`
}

export function callOf(kind: OperationKind, facts: CallFacts = {}): Call {
  const { paymentId = newPaymentId(), number = 1, amount = 1999, currency = 'EUR' } = facts
  const { payee = 'acct_books', paymentMethod = null, objectId = null, oneStep = false } = facts
  return {
    kind,
    attempt: {
      id: attemptId(paymentId, kind, number),
      number,
      request: { amount, objectId, oneStep, apiVersion: '1' },
      sends: [],
    },
    payment: {
      id: paymentId,
      currency,
      payee,
      reference: 'INV-1',
      paymentMethod,
      createdAtMs: Date.UTC(2026, 2, 1),
    },
    timeoutMs: facts.timeoutMs ?? patientMs,
  }
}

export function lookUpOf(by: LookUp['by'], paymentId: string, objectId: string | null): LookUp {
  return { by, paymentId, objectId, sinceMs: Date.UTC(2026, 2, 1), timeoutMs: patientMs }
}

/** One call of every form that a request to it can have; the objects they name need not exist. */
export function oneOfEach(processor: Processor, timeoutMs: number): readonly Call[] {
  const can = processor.capabilities({ currency: 'EUR', paymentMethod: null })
  const objectId = 'obj_1'
  return [
    callOf('create', { timeoutMs }),
    callOf('authorise', { timeoutMs }),
    callOf('authorise', { timeoutMs, oneStep: true }),
    callOf('authorise', { timeoutMs, objectId }),
    callOf('capture', { timeoutMs, objectId }),
    callOf('void', { timeoutMs, objectId }),
    ...(can?.cancelByReference === true ? [callOf('void', { timeoutMs })] : []),
    callOf('refund', { timeoutMs, objectId, amount: 500 }),
  ]
}
