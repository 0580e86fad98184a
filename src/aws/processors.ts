// The processors as most functions know them: what they promise and who we are there, from the template.
// Only the step function of a processor holds its key and can call it (`step.ts`).
import type { Processor } from '../ports.ts'
import { capabilitiesFor } from '../processors/simulated/capabilities.ts'
import type { ProcessorSettings } from './settings.ts'

/** It can be bound to and judged by, and is never called from here. */
export function describedProcessor(
  name: string,
  { account, absenceAfterMs }: ProcessorSettings,
  readWebhook: Processor['readWebhook'] = () => null,
): Processor {
  const notHere = (): never => {
    throw new Error(`${name} is called by its own function only`)
  }
  const overrides = absenceAfterMs === undefined ? {} : { absenceAfterMs }
  return Object.freeze<Processor>({
    binding: { processor: name, processorAccount: account.id, livemode: account.livemode },
    capabilities: (about) => capabilitiesFor(about, overrides),
    send: async () => notHere(),
    lookUp: async () => notHere(),
    // Its reconciliation is a function of its own: what is asked for here is carried out there.
    records: async () => notHere(),
    readWebhook,
    close: async () => undefined,
  })
}

/** No money moves at a simulated processor: it is used only where that is said. */
export function refuseSimulated(
  processors: Readonly<Record<string, ProcessorSettings>>,
  sandbox: boolean,
): void {
  const simulated = Object.keys(processors).find((name) => processors[name]?.kind === 'simulated')
  if (sandbox || simulated === undefined) return
  throw new Error(
    `${simulated} is simulated: no money would move. Set the construct's \`sandbox\`.`,
  )
}
