// What agents and operators ask of a payment that exists. An agent's command claims its key in the
// same commit as its effect, so that a repeated command replays; a refused one leaves the key unused.
import { keyRowKey } from '../core/guards.ts'
import { stopKey } from '../core/control.ts'
import { decide } from '../core/decide.ts'
import type { Command } from '../core/decide.ts'
import { normalise } from '../core/normalise.ts'
import { refundsOf } from '../core/operation.ts'
import type { Payment } from '../core/payment.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import { change } from './change.ts'
import type { Change, ChangeOptions } from './change.ts'
import { isSuspended } from './claim-read.ts'
import type { Engine } from './engine.ts'
import { tooMany } from './submit.ts'
import type { Caller, RequestKey } from './submit.ts'

export type AgentCommand =
  | { readonly type: 'capture'; readonly amount: number | null }
  | { readonly type: 'void'; readonly reason: string }
  | {
      readonly type: 'refund'
      readonly reference: string
      readonly amount: number | null
      readonly reason: string
    }

export type CommandResult =
  | {
      readonly result: 'accepted' | 'replayed'
      readonly payment: Payment
      readonly refundId: string | null
    }
  | {
      readonly result: 'rejected'
      readonly rejection: Rejection
      readonly existing: Payment | null
    }

export async function commandPayment(
  engine: Engine,
  caller: Caller,
  key: RequestKey,
  paymentId: string,
  command: AgentCommand,
  limitedForMs: number | null = null,
): Promise<CommandResult> {
  const rowKey = keyRowKey(caller.agent, key.method, key.path, key.key)
  // The key may be claimed between the look and the commit: the next look finds it.
  for (let tries = 0; tries < 3; tries += 1) {
    const [known, row, stop, agent, account] = await engine.store.read([
      { table: 'key', key: rowKey },
      { table: 'payment', key: paymentId },
      { table: 'control', key: stopKey },
      { table: 'agent', key: caller.agent },
      { table: 'account', key: caller.account },
    ])
    const payment = row?.value.payment ?? null
    if (payment === null || payment.account !== caller.account) return notFound
    if (known !== null) return replay(known.value, key, payment)
    const halted =
      limitedForMs === null
        ? refusedWhileHalted(command, {
            stopped: stop?.value.halted === true,
            suspended: isSuspended(agent, account),
          })
        : tooMany(limitedForMs)
    if (halted !== null) return { result: 'rejected', rejection: halted, existing: payment }
    const refundId = command.type === 'refund' ? engine.ids.next('ref', engine.time.nowMs(0)) : null
    const changed = await change(
      engine,
      paymentId,
      (fresh, nowMs) => decide(fresh, toCommand(command, caller, refundId), nowMs),
      {
        always: true,
        also: (after) => [
          {
            do: 'put',
            table: 'key',
            key: rowKey,
            value: {
              fingerprint: key.fingerprint,
              paymentId,
              refundId: refundOf(after, command)?.id ?? null,
            },
            if: { absent: true },
          },
        ],
      },
    )
    const answer = toResult(engine, changed, command)
    if (answer !== null) return answer
  }
  return lost
}

// A void moves no money and is the one thing that may still be asked for.
function refusedWhileHalted(
  { type }: AgentCommand,
  { stopped, suspended }: { readonly stopped: boolean; readonly suspended: boolean },
): Rejection | null {
  if (type === 'void') return null
  if (suspended) return reject('agent_suspended', 'An operator must resume it.')
  return stopped ? reject('stopped', 'An operator must start payments again.') : null
}

const notFound: CommandResult = {
  result: 'rejected',
  rejection: reject('payment_not_found', 'No payment of this account has this id.'),
  existing: null,
}

const lost: CommandResult = {
  result: 'rejected',
  rejection: reject('retry_same_key', 'The store did not say whether the command was written.'),
  existing: null,
}

function replay(
  known: { readonly fingerprint: string; readonly refundId: string | null },
  key: RequestKey,
  payment: Payment,
): CommandResult {
  if (known.fingerprint === key.fingerprint) {
    return { result: 'replayed', payment, refundId: known.refundId }
  }
  const rejection = reject('idempotency_key_reused', 'This key was used with another body.', {
    existing: [payment.id],
  })
  return { result: 'rejected', rejection, existing: payment }
}

function toCommand(command: AgentCommand, { agent }: Caller, refundId: string | null): Command {
  switch (command.type) {
    case 'capture':
      return { ...command, by: agent }
    case 'void':
      return { ...command, by: agent }
    case 'refund':
      return { ...command, by: agent, refundId: refundId ?? '' }
  }
}

function refundOf(payment: Payment, command: AgentCommand): { readonly id: string } | null {
  if (command.type !== 'refund') return null
  return (
    refundsOf(payment).find((each) => normalise(each.reference) === normalise(command.reference)) ??
    null
  )
}

// `null`: look again; the key may be claimed by now, by a twin or by ourselves.
function toResult(engine: Engine, changed: Change, command: AgentCommand): CommandResult | null {
  switch (changed.result) {
    case 'changed':
    case 'unchanged': {
      const { payment } = changed.row
      engine.wake(payment.id, changed.row.run)
      return { result: 'accepted', payment, refundId: refundOf(payment, command)?.id ?? null }
    }
    case 'rejected':
      return { result: 'rejected', rejection: changed.rejection, existing: changed.row.payment }
    case 'not_found':
      return notFound
    case 'left':
      return lost
    case 'taken':
    case 'unknown':
      return null
  }
}

export type OperatorCommand = Extract<
  Command,
  { type: 'approve' | 'deny' | 'redrive' | 'resolve' | 'lift_hold' }
>

/**
 * An operator's act. `version` is the number of the last event that was shown; a payment that has
 * moved on is not touched. A new run begins, so that no older driver stands in its way.
 */
export async function operatePayment(
  engine: Engine,
  paymentId: string,
  command: OperatorCommand,
  version: number | null,
  letterIs: NonNullable<ChangeOptions['letterIs']> = () => true,
): Promise<CommandResult> {
  const changed = await change(
    engine,
    paymentId,
    (payment, nowMs) =>
      version !== null && payment.seq !== version
        ? { rejection: reject('version_mismatch', `It is at version ${payment.seq} now.`) }
        : decide(payment, command, nowMs),
    { raiseRun: true, letterIs },
  )
  switch (changed.result) {
    case 'changed':
    case 'unchanged':
      engine.wake(paymentId, changed.row.run)
      return { result: 'accepted', payment: changed.row.payment, refundId: null }
    case 'rejected':
      return { result: 'rejected', rejection: changed.rejection, existing: changed.row.payment }
    case 'not_found':
      return notFound
    case 'left':
    case 'taken':
    case 'unknown':
      return lost
  }
}
