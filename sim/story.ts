// A failing life in plain words: who did what, which fault, which invariant.
import type { Life } from './world.ts'
import { live } from './world.ts'
import type { Seen, Violation } from './witness.ts'

/** What each invariant demands, in few words; in full in docs/concepts/proof.md. */
const invariants: readonly string[] = [
  'the engine does not throw',
  'a payment is captured once at most',
  'no more is captured, refunded or taken back than there was',
  'our books agree with the processor’s',
  'events have no gaps, and each is delivered',
  'what was acknowledged is there; what was refused changed nothing',
  'one key is one request; one bill holds money once',
  'history is a path in the transition table',
  'no payment ends unpaid while the processor holds its money',
  'nothing is sent past its key, and no second key while the first may act',
  'limits hold, and every reserved unit is spent or given back once',
  'after healing everything is at an end or in front of a person',
  'webhooks that are lost, doubled or late change nothing',
  'nothing is sent while the breaker is open, everything is stopped, or a person has to agree first',
  'advice is true',
  'a restored store does not pay twice',
]

export async function tell(life: Life, violation: Violation): Promise<readonly string[]> {
  const lines: string[] = []
  // The answers to what is not told are not told either.
  const untold = new Set<number>()
  const startMs = 1_800_000_000_000
  await live({
    ...life,
    onSeen(seen) {
      if (seen.atMs > violation.atMs) return
      if (seen.see === 'asked' && seen.bill === null) untold.add(seen.ask)
      if (seen.see === 'answered' && untold.has(seen.ask)) return
      const words = wordsFor(seen, violation.paymentId)
      if (words !== null) lines.push(`${time(seen.atMs - startMs)}  ${words}`)
    },
  })
  const name = invariants[violation.invariant] ?? ''
  return [
    ...lines,
    `${time(violation.atMs - startMs)}  BROKEN: ${name} (invariant ${violation.invariant})`,
    `${' '.repeat(12)}${violation.paymentId ?? 'the whole'}: ${violation.what}`,
  ]
}

function time(ms: number): string {
  const seconds = ms / 1000
  const [minutes, hours] = [Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)]
  return `${String(hours).padStart(2)}:${String(minutes).padStart(2, '0')}:${(seconds % 60).toFixed(3).padStart(6, '0')}`
}

/** `null`: it has nothing to do with this payment. */
function wordsFor(seen: Seen, paymentId: string | null): string | null {
  switch (seen.see) {
    case 'crash':
    case 'fault':
    case 'restart':
    case 'healed':
    case 'set_back':
      return seen.what
    case 'asked':
      // A switch is what an operator throws; the rest of what they look at is no part of it.
      if (seen.bill === null && (seen.who === 'bank' || seen.method === 'GET')) return null
      return `${seen.who} asks ${seen.method} ${seen.path} ${seen.key ?? ''} ${seen.body ?? ''}`
    case 'answered':
      return `   is answered ${seen.status} ${summary(seen.body)}`
    case 'sent':
      return isAbout(seen.paymentId, paymentId)
        ? `we send ${seen.kind} ${seen.body} under ${seen.key}`
        : null
    case 'ledger':
      return isAbout(seen.paymentId, paymentId)
        ? `the processor: ${seen.objectId} ${seen.change} ${seen.amount} ${seen.currency}`
        : null
    case 'stored': {
      const events = seen.events.filter((event) => isAbout(event.paymentId, paymentId))
      return events.length === 0
        ? null
        : `we store ${events.map(({ paymentId: id, seq, type, body }) => `${id} ${seq} ${type}${cause(body)}`).join(', ')}`
    }
    case 'delivered':
      return null
  }
}

const isAbout = (id: string, paymentId: string | null): boolean =>
  paymentId === null || id === paymentId

function summary(body: unknown): string {
  const told = body as Readonly<Record<string, string | undefined>> // of our JSON only its texts
  const words = [told['state'], told['code'], `money ${told['money_moved'] ?? ''}`, told['id']]
  return words.filter((word) => word !== undefined).join(', ')
}

function cause(body: unknown): string {
  const { outcome, finding, by } = body as {
    readonly outcome?: string
    readonly finding?: string
    readonly by?: { readonly cause?: string } | string
  } // an event
  const why = typeof by === 'object' ? by.cause : undefined
  const words = [outcome, finding, why].filter((word) => word !== undefined && word !== '')
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}
