// Payees of the simulated processor that go wrong in a way of their own. A test compares them with the
// simulator's own list.

export interface Sentinel {
  readonly payee: string
  readonly title: string
  /** What the processor does. */
  readonly what: string
  /** What there is to see. */
  readonly look: string
  readonly group: 'lost' | 'refused' | 'slow' | 'person'
}

export const groups: Readonly<Record<Sentinel['group'], string>> = {
  lost: 'The answer is lost',
  slow: 'The processor is slow or busy',
  refused: 'The processor says no',
  person: 'A person is needed',
}

const s = (
  group: Sentinel['group'],
  payee: string,
  title: string,
  what: string,
  look: string,
): Sentinel => ({ group, payee, title, what, look })

export const sentinels: readonly Sentinel[] = [
  s(
    'lost',
    'acct_504_after_capture',
    '504 after the capture',
    'The money is taken, but a gateway answers 504.',
    'The capture is unknown, not failed. A look-up proves it, and it is paid once.',
  ),
  s(
    'lost',
    'acct_504_before_capture',
    '504 before the capture',
    'A gateway answers 504 to the capture; nothing was done.',
    'The same 504, the other truth: it is sent again under the same key.',
  ),
  s(
    'lost',
    'acct_504_after_authorise',
    '504 after the authorisation',
    'It is authorised, but a gateway answers 504.',
    'Nobody guesses: the authorisation is looked up.',
  ),
  s(
    'lost',
    'acct_504_before_authorise',
    '504 before the authorisation',
    'A gateway answers 504 to the authorisation; nothing was done.',
    'It is sent again under the same key.',
  ),
  s(
    'lost',
    'acct_timeout_after_capture',
    'No answer to the capture',
    'The money is taken, but no answer ever comes.',
    'After the call timeout the outcome is unknown, then proved.',
  ),
  s(
    'lost',
    'acct_timeout_after_authorise',
    'No answer to the authorisation',
    'It is authorised, but no answer ever comes.',
    'After the call timeout it is looked up.',
  ),
  s(
    'lost',
    'acct_reset_after_capture',
    'Connection reset at the capture',
    'The money is taken, but the connection is reset.',
    'A reset says nothing about the money.',
  ),
  s(
    'lost',
    'acct_reset_after_authorise',
    'Connection reset at the authorisation',
    'It is authorised, but the connection is reset.',
    'A reset says nothing about the hold.',
  ),
  s(
    'lost',
    'acct_late_capture',
    'A late capture',
    'A 504 to the capture, which arrives and is done later.',
    '“Not found” now is no proof that it never will be.',
  ),
  s(
    'lost',
    'acct_garbage',
    'A broken answer',
    'Done, but the first answer to each call breaks off in the middle.',
    'Half an answer is no answer.',
  ),
  s(
    'lost',
    'acct_500_then_done',
    '500, and done',
    'Authorised, but the key answers 500 from then on.',
    'The key cannot tell; the record can.',
  ),
  s(
    'lost',
    'acct_500_then_not',
    '500, and not done',
    'Not authorised, and the key answers 500 from then on.',
    'The same 500, the other truth.',
  ),
  s(
    'slow',
    'acct_429',
    'Too many requests',
    'The first authorisation and the first capture are told to slow down.',
    'It waits as long as the processor asks.',
  ),
  s(
    'slow',
    'acct_slow',
    'Slow answers',
    'The first authorisation and the first capture take their time.',
    'Patience, and one payment.',
  ),
  s(
    'slow',
    'acct_processing',
    'In processing',
    'It is `processing` for a while, then authorised.',
    'Pending is an outcome of its own.',
  ),
  s(
    'refused',
    'acct_declined',
    'Declined',
    'It is always declined.',
    'An end without money, with the processor’s code.',
  ),
  s(
    'refused',
    'acct_insufficient_funds',
    'Insufficient funds',
    'It is always declined for want of funds.',
    'An end without money, with the processor’s code.',
  ),
  s(
    'refused',
    'acct_declined_once',
    'Declined once',
    'The first charge for a bill is declined, later ones succeed.',
    'A new try needs `retry_of` this payment.',
  ),
  s(
    'refused',
    'acct_capture_declined',
    'Capture declined',
    'It is authorised, but each capture is refused.',
    'What was held is released.',
  ),
  s(
    'refused',
    'acct_expires',
    'Lapsed',
    'It is authorised, and lapses at once.',
    'An end without money.',
  ),
  s(
    'person',
    'acct_action_required',
    'Action required',
    'It waits for somebody to act at the processor.',
    'It is held, and looked up now and then.',
  ),
  s(
    'person',
    'acct_unreachable',
    'Unreachable',
    'Every call about it is a 504 or hangs.',
    'After some minutes it is parked in the dead letters, still unknown.',
  ),
]
