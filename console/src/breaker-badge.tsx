// What a processor's breaker is, in a word and a colour.
import type { ProcessorStatus } from '../../src/client/operator-types.ts'
import { words } from './format.ts'
import { Badge } from './ui.tsx'
import type { Tone } from './ui.tsx'

export function BreakerBadge({ of }: { readonly of: ProcessorStatus }) {
  const state = of.breaker?.state ?? 'closed'
  const tone: Tone = state === 'closed' ? 'good' : state === 'open' ? 'bad' : 'warn'
  return <Badge tone={tone}>{words(state)}</Badge>
}
