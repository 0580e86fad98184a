// The desk of dead letters: what waits for a person, grouped by why; the last evidence of each; and
// taking up again one, a group, or what fits a filter, with its progress.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'

import type { DeadLetter, Redrive as RedriveAnswer } from '../../../src/client/operator-types.ts'
import { Act } from '../act.tsx'
import { get, pathWith, post } from '../api.ts'
import type { Page } from '../api.ts'
import { count, duration, money, sums, words } from '../format.ts'
import { Redrive, Resolve } from '../payment-actions.tsx'
import { Badge, Card, Empty, PaymentLink, Screen, Shown } from '../ui.tsx'
import { EvidenceView } from './evidence.tsx'

/** So many are shown; a redrive of a group takes them all. */
const maxShown = 500

async function openLetters(): Promise<Page<DeadLetter>> {
  const letters: DeadLetter[] = []
  let cursor: string | null = null
  do {
    const page: Page<DeadLetter> = await get(pathWith('/v1/dead-letters', { limit: 100, cursor }))
    letters.push(...page.data)
    cursor = page.cursor
  } while (cursor !== null && letters.length < maxShown)
  return { data: letters, cursor }
}

const meanings: Readonly<Record<DeadLetter['dead_letter']['reason'], string>> = {
  outcome_unknown:
    'Something was sent and nothing proves what became of it. Ask the processor, then redrive or resolve.',
  retries_exhausted: 'Each try was proved not executed, too often. Redrive when the cause is gone.',
  configuration:
    'The processor refuses our set-up: keys, account, or the request itself. Mend that, then redrive.',
  too_late: 'Its deadline came before it was done. Redrive with more time, or leave it.',
  answer_mismatch: 'The answer speaks of another amount or object. Compare, then resolve.',
  pending_too_long: 'The processor has had it under way for too long. Ask them.',
  void_refused: 'It was to be voided, and the processor does not do it.',
  request_mismatch: 'The processor knows this key for another request. Compare, then resolve.',
}

export function DeadLetters() {
  const letters = useQuery({ queryKey: ['dead-letters'], queryFn: openLetters })
  return (
    <Screen
      title="Dead letters"
      about="Payments that were parked. Nothing is sent for them until somebody decides."
    >
      <Shown of={letters} what="the dead letters">
        {({ data, cursor }) =>
          data.length === 0 ? (
            <Empty>None. Every payment goes on by itself or is at its end.</Empty>
          ) : (
            <>
              <FilteredRedrive letters={data} />
              {cursor !== null && (
                <p className="quiet">The first {data.length} are shown; there are more.</p>
              )}
              {groupsOf(data).map(([reason, group]) => (
                <Group key={reason} reason={reason} letters={group} />
              ))}
            </>
          )
        }
      </Shown>
    </Screen>
  )
}

type Reason = DeadLetter['dead_letter']['reason']

function groupsOf(
  letters: readonly DeadLetter[],
): readonly (readonly [Reason, readonly DeadLetter[]])[] {
  const groups = Map.groupBy(letters, ({ dead_letter: { reason } }) => reason)
  return [...groups].toSorted(([, a], [, b]) => b.length - a.length)
}

function Group({
  reason,
  letters,
}: {
  readonly reason: Reason
  readonly letters: readonly DeadLetter[]
}) {
  const oldest = Math.max(...letters.map(({ dead_letter: { age_seconds: age } }) => age))
  return (
    <Card
      title={words(reason)}
      aside={
        <RedriveMany
          label={`Redrive ${count(letters.length, 'payment')}`}
          filter={{ reason }}
          expected={letters.length}
        />
      }
    >
      <p>{meanings[reason]}</p>
      <p className="quiet">
        {count(letters.length, 'payment')}, {sums(letters)}, oldest for {duration(oldest * 1_000)}.
      </p>
      <ul className="letters">
        {letters.map((letter) => (
          <Letter key={letter.id} letter={letter} />
        ))}
      </ul>
    </Card>
  )
}

function Letter({ letter }: { readonly letter: DeadLetter }) {
  const { dead_letter: record } = letter
  return (
    <li>
      <details>
        <summary>
          <span className="number">{money(letter.amount, letter.currency)}</span>
          <span>{letter.payee}</span>
          <span>{letter.reference}</span>
          <span className="quiet">{duration(record.age_seconds * 1_000)}</span>
          {record.proposal !== null && (
            <Badge tone="info">proposed {words(record.proposal.finding)}</Badge>
          )}
          {record.note !== null && <Badge tone="quiet">note</Badge>}
        </summary>
        <EvidenceView letter={letter} />
      </details>
      <div className="letter-acts">
        <PaymentLink id={letter.id} />
        <Note letter={letter} />
        <Redrive payment={letter} />
        <Resolve payment={letter} />
      </div>
    </li>
  )
}

function Note({ letter }: { readonly letter: DeadLetter }) {
  return (
    <Act
      label="Note"
      reason={false}
      about="For the next operator who looks at it."
      fields={
        <label className="field">
          <span>Note</span>
          <textarea
            name="note"
            required
            maxLength={500}
            rows={3}
            defaultValue={letter.dead_letter.note ?? ''}
          />
        </label>
      }
      act={async ({ field }) => {
        await post(`/v1/dead-letters/${letter.id}/note`, {
          body: { note: field('note') },
        })
        return 'Noted.'
      }}
    />
  )
}

// ── Many ─────────────────────────────────────────────────────────────────────────────────────────

type Filter = Readonly<Record<string, string | number>>

function FilteredRedrive({ letters }: { readonly letters: readonly DeadLetter[] }) {
  const [filter, setFilter] = useState<Filter>({})
  const unique = (values: readonly string[]) => [...new Set(values)].toSorted()
  const choose = (name: string, label: string, values: readonly string[]) => (
    <label className="field">
      <span>{label}</span>
      <select
        value={filter[name] ?? ''}
        onChange={({ target: { value } }) => {
          const { [name]: _, ...rest } = filter
          setFilter(value === '' ? rest : { ...rest, [name]: value })
        }}
      >
        <option value="">any</option>
        {values.map((value) => (
          <option key={value}>{value}</option>
        ))}
      </select>
    </label>
  )
  const fitting = letters.filter(
    ({ agent, processor, dead_letter: { reason, step } }) =>
      (filter['agent'] ?? agent) === agent &&
      (filter['processor'] ?? processor) === processor &&
      (filter['reason'] ?? reason) === reason &&
      (filter['step'] ?? step) === step,
  )
  return (
    <Card title="Redrive by filter">
      <div className="filter">
        {choose('reason', 'Reason', unique(letters.map(({ dead_letter: { reason } }) => reason)))}
        {choose(
          'step',
          'Stuck in',
          unique(letters.flatMap(({ dead_letter: { step } }) => step ?? [])),
        )}
        {choose('agent', 'Agent', unique(letters.map(({ agent }) => agent)))}
        {choose('processor', 'Processor', unique(letters.map(({ processor }) => processor)))}
        <div className="filter-buttons">
          <RedriveMany
            label={`Redrive all ${fitting.length} that fit`}
            filter={filter}
            expected={fitting.length}
          />
        </div>
      </div>
    </Card>
  )
}

interface Progress {
  readonly done: number
  readonly left: readonly { readonly id: string; readonly code: string }[]
  readonly stoppedBy: RedriveAnswer['stopped_by']
  readonly isOver: boolean
}

/** One request takes so many: the bar moves, and payments of agents are not kept waiting. */
const atOnce = 10

/** What keeps the others from being taken up, and how it ends. */
const endings: Readonly<Record<NonNullable<RedriveAnswer['stopped_by']>, string>> = {
  stopped: 'everything is stopped; start it on Now.',
  processor_paused:
    'the processor is paused, or its breaker is open. Resume it, or redrive one payment by itself: it is the probe that closes the breaker.',
  agent_suspended: 'the agent is suspended.',
  clock_jumped: 'our clock has jumped; it goes on in a while.',
}

function RedriveMany({
  label,
  filter,
  expected,
}: {
  readonly label: string
  readonly filter: Filter
  readonly expected: number
}) {
  const client = useQueryClient()
  const [progress, setProgress] = useState<Progress | null>(null)
  const run = async (reason: string): Promise<Progress> => {
    let now: Progress = { done: 0, left: [], stoppedBy: null, isOver: false }
    let cursor: string | null = null
    setProgress(now)
    do {
      const body = { filter, reason, limit: atOnce, ...(cursor === null ? {} : { cursor }) }
      const page: RedriveAnswer = await post<RedriveAnswer>('/v1/dead-letters/redrive', { body })
      cursor = page.cursor
      now = {
        ...now,
        done: now.done + page.redriven.length,
        left: [...now.left, ...page.left],
        stoppedBy: page.stopped_by,
      }
      setProgress(now)
    } while (cursor !== null && now.stoppedBy === null)
    now = { ...now, isOver: true }
    setProgress(now)
    void client.invalidateQueries()
    return now
  }
  return (
    <div className="many">
      <Act
        label={label}
        tone="primary"
        disabled={expected === 0}
        about={`Each is taken up again from where it stands, ${atOnce} at a time. Repeating it is safe: what was redriven is no dead letter any more.`}
        act={async ({ reason }) => {
          const { done, left, stoppedBy } = await run(reason)
          const why = stoppedBy === null ? '' : ` It ended early: ${endings[stoppedBy]}`
          return `${count(done, 'payment')} taken up again, ${left.length} left.${why}`
        }}
      />
      {progress !== null && !progress.isOver && (
        <progress
          max={Math.max(expected, 1)}
          value={progress.done + progress.left.length}
          aria-label="Redriving"
        />
      )}
      {progress?.isOver === true && progress.left.length > 0 && (
        <details>
          <summary>{progress.left.length} were left</summary>
          <ul>
            {progress.left.map(({ id, code }) => (
              <li key={id}>
                <PaymentLink id={id} /> {words(code)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  )
}
