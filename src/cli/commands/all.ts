// The commands, in the order of `--help`.
import type { Command } from '../command.ts'
import { agentCommands } from './agents.ts'
import { deadLetterCommands } from './dead-letters.ts'
import { demo } from './demo.ts'
import { ledgerCommands } from './ledger.ts'
import { oversightCommands } from './oversight.ts'
import { pay } from './pay.ts'
import { paymentActs } from './payment-acts.ts'
import { paymentReads } from './payment-reads.ts'
import { processorCommands } from './processors.ts'
import { reconcileCommands } from './reconcile.ts'
import { serve } from './serve.ts'
import { simulator } from './simulator.ts'
import { start } from './start.ts'
import { status } from './status.ts'
import { stopCommands } from './stop.ts'

export const commands: readonly Command[] = [
  start,
  serve,
  simulator,
  demo,
  pay,
  ...paymentReads,
  ...paymentActs,
  status,
  ...deadLetterCommands,
  ...stopCommands,
  ...processorCommands,
  ...agentCommands,
  ...reconcileCommands,
  ...ledgerCommands,
  ...oversightCommands,
]
