// The history of a payment as a story: what was sent, what came back, what was concluded and why. The
// words are of people; the event behind each line stays beside it.
import type { PaymentEvent } from '../../src/client/types.ts'
import { money, words } from './format.ts'
import type { Tone } from './ui.tsx'

export interface Step {
  readonly seq: number
  readonly at: string
  readonly type: string
  readonly sent: string | null
  readonly came: string | null
  /** The processor's own words, cut short. */
  readonly excerpt: string | null
  readonly concluded: string
  readonly why: string | null
  readonly tone: Tone
  /** The payment is in this state from here on. */
  readonly state: string | null
}

interface Source {
  readonly source?: string
  readonly cause?: string
  readonly status?: number | null
  readonly excerpt?: string | null
  readonly request_id?: string | null
}

type Data = Readonly<Record<string, never>> & {
  readonly by?: Source & string
  readonly target?: { readonly kind: string }
}

export function storyOf(events: readonly PaymentEvent[], currency: string): readonly Step[] {
  return events.map((event) => stepOf(event, currency))
}

function stepOf({ seq, at, type, data }: PaymentEvent, currency: string): Step {
  const given = data as unknown as Data // each type holds its own fields; all are optional here
  const by = typeof given.by === 'object' ? (given.by as Source) : null
  const told = tell(type, given, currency)
  const came = told.came ?? cameBack(by)
  const excerpt = by?.source === 'person' ? null : (by?.excerpt ?? null)
  const state = states.has(type) ? type : type === 'claimed' ? 'initiated' : null
  return {
    seq,
    at,
    type,
    sent: told.sent ?? askedFor(by),
    came,
    excerpt,
    concluded: told.concluded,
    why: told.why ?? null,
    tone: told.tone ?? 'info',
    state: told.state ?? state,
  }
}

const states = new Set(
  'validated authorised captured settled refunded declined rejected voided expired'.split(' '),
)

interface Told {
  readonly sent?: string
  readonly came?: string
  readonly concluded: string
  readonly why?: string
  readonly tone?: Tone
  readonly state?: string
}

// The look-up that was asked, where that is what the evidence came from.
function askedFor(by: Source | null): string | null {
  if (by?.source !== 'look_up') return null
  return by.cause?.includes('object') === true
    ? 'Looked it up: what does the processor’s own object show?'
    : 'Looked it up in the processor’s records.'
}

function cameBack(by: Source | null): string | null {
  if (by === null) return null
  const status = by.status == null ? '' : `HTTP ${by.status}`
  switch (by.source ?? '') {
    case 'answer':
      if (status === '') return `No answer: ${words(by.cause ?? '')}.`
      return by.cause?.startsWith('http_') === true
        ? `${status}.`
        : `${status}: ${words(by.cause ?? '')}.`
    case 'look_up':
      return `The look-up showed it${status === '' ? '' : ` (${status})`}.`
    case 'webhook':
      return 'A signed webhook of the processor.'
    case 'record':
      return 'A line of the processor’s records.'
    case 'person':
      return `${by.cause ?? 'Somebody'} said: “${by.excerpt ?? ''}”.`
    default:
      return null
  }
}

const proofs: Readonly<Record<string, string>> = {
  answer: 'Proved by the processor’s answer.',
  look_up: 'Proved by a look-up, not by the answer.',
  webhook: 'Proved by a signed webhook.',
  record: 'Proved by the processor’s records.',
  person: 'By the word of a person.',
}

const proof = (data: Data): string =>
  proofs[(data.by as Source | undefined)?.source ?? ''] ?? 'Proved.'

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

function tell(type: string, data: Data, currency: string): Told {
  const all = data as unknown as Record<string, unknown>
  const amount = typeof all['amount'] === 'number' ? money(all['amount'], currency) : ''
  const kind = data.target?.kind ?? ''
  switch (type) {
    case 'claimed':
      return {
        concluded: 'The bill is claimed: this payment and no other pays it.',
        why: 'Key, bill and budget were stored in one commit.',
      }
    case 'validated':
      return { concluded: 'It may be sent.', why: 'Its processor takes such a payment.' }
    case 'attempt_opened':
      return opened(all, kind, currency)
    case 'sent_again':
      return {
        sent: `${capital(kind)}, the same request under the same key, send ${sendNumber(all)}.`,
        concluded: 'It may be out again.',
        why: 'The same key cannot move money twice.',
      }
    case 'observed':
      return observed(text(all['outcome']), kind)
    case 'inquired':
      return inquired(text(all['finding']))
    case 'object_created':
      return { concluded: 'The processor has an object for it.', why: 'No money moves by that.' }
    case 'authorised':
      return { concluded: `${amount} is held for it.`, why: proof(data), tone: 'good' }
    case 'captured':
      return { concluded: `Paid: ${amount} was captured, once.`, why: proof(data), tone: 'good' }
    case 'settled':
      return { concluded: 'The processor has settled it.', why: proof(data), tone: 'good' }
    case 'declined':
      return { concluded: 'Declined; no money moved.', why: declineOf(all), tone: 'warn' }
    case 'capture_declined':
      return { concluded: 'The capture was refused.', why: declineOf(all), tone: 'warn' }
    case 'rejected':
      return {
        concluded: `Rejected: ${words(text(all['reason']))}.`,
        why: 'Nothing was sent.',
        tone: 'warn',
      }
    case 'voided':
      return {
        concluded: 'Voided; no money moved.',
        why: words(text(all['reason'])),
        tone: 'quiet',
      }
    case 'expired':
      return {
        concluded: 'The authorisation lapsed; no money moved.',
        why: proof(data),
        tone: 'quiet',
      }
    case 'parked':
      return {
        concluded: 'Parked in the dead letters.',
        why: `${capital(words(text(all['reason'])))}: a person has to decide.`,
        tone: 'bad',
      }
    case 'redriven':
      return {
        came: `${text(all['by'])}: “${text(all['reason'])}”`,
        concluded: 'Taken up again from where it stands.',
        tone: 'info',
      }
    case 'resolved':
      return {
        concluded: `Resolved by hand: ${words(text(all['finding']))}.`,
        why: text(all['reason']),
        tone: 'good',
      }
    case 'held':
      return {
        concluded: `Held: ${words(text(all['reason']))}.`,
        why: text(all['detail']),
        tone: 'warn',
      }
    case 'hold_lifted':
      return {
        concluded: `The hold “${words(text(all['reason']))}” is lifted.`,
        why: `By ${text(all['by'])}.`,
      }
    case 'approved':
      return { came: `${text(all['by'])} approved it.`, concluded: 'It goes on.', tone: 'good' }
    case 'void_requested':
      return {
        came: `${text(all['by'])}: “${text(all['reason'])}”`,
        concluded: 'A void is asked for; nothing towards money begins.',
      }
    case 'refund_requested':
      return { came: `${text(all['by'])} asked for ${amount} back.`, concluded: 'A refund is due.' }
    case 'refund_succeeded':
      return { concluded: 'The money was given back.', why: proof(data), tone: 'good' }
    case 'refund_failed':
      return {
        concluded: 'The refund failed; the money stays taken.',
        why: declineOf(all),
        tone: 'bad',
      }
    case 'corrected':
      return {
        concluded: `Corrected to ${text(all['to'])}.`,
        why: proof(data),
        tone: 'bad',
        state: text(all['to']),
      }
    case 'duplicate_found':
      return {
        concluded: 'Another object of this payment was found: a break.',
        why: proof(data),
        tone: 'bad',
      }
    case 'settlement_asked':
      return {
        sent: 'Asked for the settlement.',
        concluded: all['answered'] === true ? 'Not settled yet.' : 'No answer; it asks again.',
        tone: 'quiet',
      }
    default:
      return {
        concluded: capital(words(type)),
        ...(data.by === undefined ? {} : { why: proof(data) }),
      }
  }
}

function opened(all: Record<string, unknown>, kind: string, currency: string): Told {
  const attempt = all['attempt'] as { number: number; request: { amount: number } } | undefined
  const amount = attempt === undefined ? '' : money(attempt.request.amount, currency)
  return {
    sent: `${capital(kind)} ${kind === 'void' ? '' : `of ${amount} `}under a new key (attempt ${attempt?.number ?? '?'}).`,
    concluded: 'It may be out.',
    why: 'The attempt was stored before it was sent.',
  }
}

const sendNumber = (all: Record<string, unknown>): string =>
  text((all['send'] as { number?: number } | undefined)?.number)

function observed(outcome: string, kind: string): Told {
  switch (outcome) {
    case 'unknown':
      return {
        concluded: `Unknown: the ${kind} may have been done or not.`,
        why: 'This answer proves nothing, so it is neither called failed nor sent under a new key.',
        tone: 'bad',
      }
    case 'not_executed':
      return {
        concluded: `The ${kind} was not done.`,
        why: 'That is proved; it may be sent again.',
      }
    case 'pending':
      return {
        concluded: `The ${kind} is under way at the processor.`,
        why: 'It is looked up until it ends.',
      }
    case 'succeeded':
      return { concluded: `The ${kind} was done.`, tone: 'good' }
    default:
      return { concluded: `The ${kind}: ${words(outcome)}.`, tone: 'warn' }
  }
}

function inquired(finding: string): Told {
  switch (finding) {
    case 'not_found':
      return {
        came: 'Nothing was found.',
        concluded: 'Still unknown.',
        why: 'Not found now is no proof that it will never be there.',
        tone: 'warn',
      }
    case 'no_answer':
      return {
        came: 'The look-up got no answer.',
        concluded: 'Still unknown; it asks again.',
        tone: 'warn',
      }
    default:
      return { came: 'It looks as before.', concluded: 'Still open; it asks again.', tone: 'warn' }
  }
}

function declineOf(all: Record<string, unknown>): string {
  const decline = all['decline'] as { code?: string } | undefined
  return decline?.code === undefined
    ? 'The processor said no.'
    : `The processor’s code: ${decline.code}.`
}

const capital = (value: string): string => value.charAt(0).toUpperCase() + value.slice(1)

/** One stretch of time in one state. */
export interface Stretch {
  readonly state: string
  readonly fromMs: number
  readonly toMs: number | null
  /** Was an outcome unknown in this stretch? */
  readonly unknown: boolean
}

export function stretchesOf(steps: readonly Step[]): readonly Stretch[] {
  const stretches: Stretch[] = []
  for (const step of steps) {
    const atMs = Date.parse(step.at)
    const last = stretches.at(-1)
    const isUnknown = step.type === 'observed' && step.concluded.startsWith('Unknown')
    const state = step.state ?? (isUnknown ? last?.state : undefined)
    if (state === undefined || (state === last?.state && isUnknown === last.unknown)) continue
    if (last !== undefined) stretches[stretches.length - 1] = { ...last, toMs: atMs }
    stretches.push({ state, fromMs: atMs, toMs: null, unknown: isUnknown })
  }
  return stretches
}
