// Why a payment was parked, and the last thing that was heard of it.
import type { DeadLetter } from '../../../src/client/operator-types.ts'
import { duration, words } from '../format.ts'
import { Facts, Time } from '../ui.tsx'

export function EvidenceView({ letter }: { readonly letter: DeadLetter }) {
  const { dead_letter: record } = letter
  const last = record.last_evidence
  return (
    <>
      <Facts
        of={[
          ['Reason', words(record.reason)],
          ['Stuck in', record.step ?? 'nothing was begun'],
          ['Parked', <Time key="parked" at={record.parked_at} />],
          ['For', duration(record.age_seconds * 1_000)],
          ['Attempts, sends', `${record.attempts}, ${record.sends}`],
          ['Redrives', `${record.redrives} (by the rule: ${record.rule_redrives})`],
          [
            'Last heard',
            last === null
              ? 'nothing'
              : `${words(last.source)}: ${words(last.cause)}${last.status === null ? '' : `, HTTP ${last.status}`}`,
          ],
          ['Note', record.note],
          ...(record.proposal === null
            ? []
            : [
                [
                  'Proposed',
                  `${record.proposal.by}: ${words(record.proposal.finding)}, “${record.proposal.reason}”`,
                ] as const,
              ]),
        ]}
      />
      {last?.excerpt != null && <pre>{last.excerpt}</pre>}
    </>
  )
}
