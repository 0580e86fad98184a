// Who did what and why, newest first; kept for good.
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from 'wouter'

import type { AuditEntry } from '../../../src/client/operator-types.ts'
import { get, pathWith } from '../api.ts'
import type { Page } from '../api.ts'
import { words } from '../format.ts'
import { Empty, Screen, Shown, Table, Time } from '../ui.tsx'

export function Audit() {
  const entries = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: ({ pageParam }) =>
      get<Page<AuditEntry>>(pathWith('/v1/audit', { limit: 50, cursor: pageParam })),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
  })
  return (
    <Screen
      title="Audit"
      about="Who did what and why. What was decided about one payment stands in its own history."
    >
      <Shown of={entries} what="the audit">
        {({ pages }) => {
          const all = pages.flatMap(({ data }) => data)
          if (all.length === 0)
            return <Empty>Nobody has thrown a switch or acted on a break yet.</Empty>
          return (
            <>
              <Table caption="Audit" heads={['When', 'Who', 'Did', 'To', 'Why']}>
                {all.map((entry) => (
                  <tr key={entry.id}>
                    <td>
                      <Time at={entry.at} />
                    </td>
                    <td>{entry.by}</td>
                    <td>{words(entry.act)}</td>
                    <td>
                      {entry.target.startsWith('pay_') ? (
                        <Link href={`/payments/${entry.target}`}>{entry.target}</Link>
                      ) : (
                        entry.target
                      )}
                    </td>
                    <td className="why">{entry.reason}</td>
                  </tr>
                ))}
              </Table>
              {entries.hasNextPage && (
                <button
                  type="button"
                  className="plain"
                  onClick={() => void entries.fetchNextPage()}
                >
                  Older entries
                </button>
              )}
            </>
          )
        }}
      </Shown>
    </Screen>
  )
}
