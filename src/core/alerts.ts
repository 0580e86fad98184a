// What a person is called for: every kind of alert, what it says, and what is stored of one. An alert
// is made of words of this file, configured names, payment ids, counts and times. Nothing that a
// processor, an agent or an operator has written comes into it, so nothing secret can.
import type { ParkReason } from './payment.ts'

/**
 * `condition`: something that is so until it is over. `queue`: payments that wait for somebody, as
 * many as there are. `event`: it has happened, and no lapse of time undoes it: it is never `resolved`.
 */
type Nature = 'condition' | 'queue' | 'event'

interface AlertEntry {
  readonly severity: 'critical' | 'warning' | 'info'
  readonly nature: Nature
  /** What happened. */
  readonly title: string
  /** What Quittance already did about it. */
  readonly did: string
  /** What to do; the runbook says how. */
  readonly todo: string
}

export const alertTable = {
  dead_letter: {
    severity: 'critical',
    nature: 'queue',
    title: 'Payments are in the dead letters',
    did: 'Everything that is known is recorded; nothing is sent for them until somebody decides.',
    todo: 'Look at each in `quittance dead-letters list`; redrive it or resolve it.',
  },
  approval_required: {
    severity: 'info',
    nature: 'queue',
    title: 'Payments wait for approval',
    did: 'They are held and nothing was sent; without an approval in time they are rejected.',
    todo: 'Approve or deny them.',
  },
  possible_duplicate: {
    severity: 'warning',
    nature: 'queue',
    title: 'Payments look like others that were made',
    did: 'They are held; no money moves for them.',
    todo: 'Compare each with the payment that it looks like; approve or deny it.',
  },
  action_required: {
    severity: 'warning',
    nature: 'queue',
    title: 'Payments need an action at the processor',
    did: 'They are held, and looked up now and then.',
    todo: 'Have the payer do what the processor asks for, or void them.',
  },
  processor_changed: {
    severity: 'critical',
    nature: 'queue',
    title: 'Payments belong to a processor, account or mode that is not configured',
    did: 'They are held: not one look-up or send goes to another account.',
    todo: 'Configure the account that they are bound to again; the hold lifts by itself.',
  },
  breaker_open: {
    severity: 'critical',
    nature: 'condition',
    title: 'The circuit breaker of a processor is open',
    did: 'Calls that move money wait; look-ups go on. One payment at a time probes whether it is back.',
    todo: 'Look at the status page of the processor, and at our credentials there.',
  },
  processor_paused: {
    severity: 'warning',
    nature: 'condition',
    title: 'An operator has paused a processor',
    did: 'Calls that move money wait; look-ups go on.',
    todo: 'Resume it when the reason is gone.',
  },
  stopped: {
    severity: 'critical',
    nature: 'condition',
    title: 'An operator has stopped everything',
    did: 'New claims are refused and calls that move money wait; look-ups go on.',
    todo: 'Start it again when the reason is gone.',
  },
  store_set_back: {
    severity: 'critical',
    nature: 'condition',
    title: 'The processor has payments that the store does not know',
    did: 'The service is read-only: nothing is sent, every POST is told to come back with its key.',
    todo: 'See what is missing with `quittance recover`, rebuild it, and confirm.',
  },
  unknown_too_long: {
    severity: 'critical',
    nature: 'condition',
    title: 'Payments have been unknown for too long',
    did: 'They are looked up with growing pauses; none is sent under a new key, none is called failed.',
    todo: 'Ask the processor for them; those in the dead letters wait for your word.',
  },
  payments_overdue: {
    severity: 'critical',
    nature: 'condition',
    title: 'Payments wait too long for their next step',
    did: 'The sweep goes on taking up whatever is due, the longest overdue first.',
    todo: 'Look for a worker that does not keep up, a rate limit that is too low, or a bug alert.',
  },
  outbox_lag: {
    severity: 'warning',
    nature: 'condition',
    title: 'Events are not taken by a publisher',
    did: 'They are kept, in order, and offered again; payments go on.',
    todo: 'See whether the receiver is up and takes what it is sent.',
  },
  events_put_aside: {
    severity: 'critical',
    nature: 'condition',
    title: 'A publisher does not take some events',
    did: 'They were put aside, in order that the others go on; nothing of them is lost.',
    todo: 'Mend what it trips over, then replay them with `quittance publishers replay`.',
  },
  webhook_disabled: {
    severity: 'critical',
    nature: 'condition',
    title: 'A webhook endpoint was disabled because it took nothing',
    did: 'Nothing is sent there any more; what happens is kept for it.',
    todo: 'Mend the receiver, then enable it with `quittance webhooks enable`.',
  },
  webhook_dead_letters: {
    severity: 'warning',
    nature: 'condition',
    title: 'A webhook endpoint did not take some events for a day',
    did: 'They were tried again and again, and are kept; later ones go on.',
    todo: 'Look at `quittance webhooks deliveries`, mend the receiver, then replay them.',
  },
  corrected: {
    severity: 'critical',
    nature: 'event',
    title: 'Late evidence contradicts the end of a payment',
    did: 'The payment was moved to what the processor shows, and its budget with it.',
    todo: 'Find out who was told the first end, and tell them the new one.',
  },
  duplicate_object: {
    severity: 'critical',
    nature: 'event',
    title: 'The processor has a second object of a payment',
    did: 'It is recorded on the payment. Nothing was sent because of it.',
    todo: 'Compare both in the dashboard of the processor; refund what was taken twice.',
  },
  key_mismatch: {
    severity: 'critical',
    nature: 'event',
    title: 'The processor knows a key with other content',
    did: 'The send counts as unknown; nothing more goes out under this key.',
    todo: 'Look whether two installations share an account, or a store was restored.',
  },
  mismatched_answer: {
    severity: 'critical',
    nature: 'event',
    title: 'An answer of the processor is about another payment',
    did: 'It was not believed; the send counts as unknown and is looked up.',
    todo: 'Look whether something between us and the processor mixes up answers.',
  },
  unreadable: {
    severity: 'warning',
    nature: 'event',
    title: 'An answer of the processor could not be read',
    did: 'The send counts as unknown and is looked up.',
    todo: 'Look at the evidence of the payment; the processor may have changed its answers.',
  },
  replayed_first_send: {
    severity: 'critical',
    nature: 'event',
    title: 'The processor calls a first send a repetition',
    did: 'The answer was taken as it is; nothing was sent again.',
    todo: 'Look whether two installations share an account, or a store was restored.',
  },
  evidence_not_stored: {
    severity: 'critical',
    nature: 'event',
    title: 'What a processor told could not be stored',
    did: 'The send is recorded, so its outcome will be asked for again.',
    todo: 'Look at the disk and at the store.',
  },
  clock_jumped: {
    severity: 'critical',
    nature: 'event',
    title: 'The clock of the machine has leapt',
    did: 'After a leap back no call moves money until the service is started anew.',
    todo: 'Set the clock right, then restart the service.',
  },
  bug: {
    severity: 'critical',
    nature: 'event',
    title: 'Quittance met something impossible',
    did: 'What it was doing was put aside and is tried again; nothing else is held up.',
    todo: 'Send us the line of the log with kind `bug`.',
  },
  reconciliation_break: {
    severity: 'critical',
    nature: 'event',
    title: 'Our records and those of the processor differ',
    did: 'The difference is recorded; no payment was changed because of it.',
    todo: 'Look at each difference and resolve it.',
  },
} as const satisfies Readonly<Record<string, AlertEntry>>

export type AlertKind = keyof typeof alertTable

/** What is alike is one alert: the same kind, subject and detail. */
export interface AlertGroup {
  readonly kind: AlertKind
  /** The configured name of a processor or a publisher, an endpoint's id; `null`: only the kind. */
  readonly subject: string | null
  /** Of dead letters the reason; else empty. */
  readonly detail: ParkReason | ''
}

/** One group of what is alike, kept for good: it fires, is over, and may fire anew. */
export interface AlertRow extends AlertGroup {
  readonly status: 'firing' | 'resolved'
  /** Of conditions and queues: as many as there are. Of events: since it fired. */
  readonly count: number
  /** The first few that it is about. */
  readonly paymentIds: readonly string[]
  readonly firstAtMs: number
  readonly lastAtMs: number
  readonly resolvedAtMs: number | null
  /** Counts what is worth telling, over the whole life of the row. */
  readonly edition: number
  readonly editionAtMs: number
  /** The count that the last edition told; 0: nothing was told since it fired. */
  readonly editionCount: number
  /** The edition that each sink was last told, by the sink's name. */
  readonly told: Readonly<Record<string, number>>
  /** The last event that was counted, so that one delivered again is not counted again. */
  readonly lastEvent: string | null
}

/** What a sink delivers: an alert as it stands now. */
export interface Notice {
  /** The same at each try to deliver it. */
  readonly id: string
  /** The same for as long as there is this alert: to tie `resolved` to `firing`. */
  readonly alert: string
  readonly status: AlertRow['status']
  readonly kind: AlertKind
  readonly severity: AlertEntry['severity']
  readonly subject: string | null
  readonly detail: string
  readonly count: number
  readonly paymentIds: readonly string[]
  readonly title: string
  readonly did: string
  readonly todo: string
  readonly runbook: string
  readonly sinceMs: number
  readonly lastAtMs: number
  readonly resolvedAtMs: number | null
}

export function natureOf(kind: AlertKind): Nature {
  return alertTable[kind].nature
}

/** Printable and without a full stop, so that it fits into the header of a signed webhook. */
export function alertKey({ kind, subject, detail }: AlertGroup): string {
  const parts = [kind, subject ?? '', detail].map(encodeURIComponent)
  return parts.join('/').replace(/\/+$/, '').replaceAll('.', '%2E')
}
