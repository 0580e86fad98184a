// What a payment's history takes for granted. Where it does not hold the history is broken, which is
// a bug and throws.
import type { PaidPayment, Payment, State } from './payment.ts'

export function expectPaid(payment: Payment): PaidPayment {
  return 'refunds' in payment ? payment : impossible(`${payment.state} has no captured money`)
}

export function expect<S extends State>(
  payment: Payment,
  state: S,
): Extract<Payment, { state: S }> {
  if (payment.state !== state) return impossible(`expected ${state}, found ${payment.state}`)
  return payment as Extract<Payment, { state: S }> // narrowed by the line above
}

export function impossible(what: string): never {
  throw new Error(`payment history: ${what}`)
}
