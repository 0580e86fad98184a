// The commands, in the order of `--help`.
import type { Command } from '../command.ts'
import { accountCommands } from './accounts.ts'
import { agentCommands } from './agents.ts'
import { deadLetterCommands } from './dead-letters.ts'
import { demo } from './demo.ts'
import { ledgerCommands } from './ledger.ts'
import { mandateCommands } from './mandates.ts'
import { mcp } from './mcp.ts'
import { moveCommands } from './move.ts'
import { oversightCommands } from './oversight.ts'
import { pay } from './pay.ts'
import { paymentActs } from './payment-acts.ts'
import { paymentReads } from './payment-reads.ts'
import { processorCommands } from './processors.ts'
import { receiptCommands } from './receipts.ts'
import { publisherCommands } from './publishers.ts'
import { reconcileCommands } from './reconcile.ts'
import { recoverCommands } from './recover.ts'
import { serve } from './serve.ts'
import { simulator } from './simulator.ts'
import { start } from './start.ts'
import { status } from './status.ts'
import { stopCommands } from './stop.ts'
import { tokenCommands } from './tokens.ts'
import { webhookCommands } from './webhooks.ts'

export const commands: readonly Command[] = [
  start,
  serve,
  simulator,
  demo,
  pay,
  mcp,
  ...paymentReads,
  ...paymentActs,
  ...receiptCommands,
  status,
  ...deadLetterCommands,
  ...stopCommands,
  ...processorCommands,
  ...accountCommands,
  ...agentCommands,
  ...tokenCommands,
  ...mandateCommands,
  ...reconcileCommands,
  ...recoverCommands,
  ...moveCommands,
  ...ledgerCommands,
  ...webhookCommands,
  ...publisherCommands,
  ...oversightCommands,
]
