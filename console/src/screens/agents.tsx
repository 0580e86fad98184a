// The agents: what each may spend, how its last payments went, and the switch of each.
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'

import type { AgentStatus } from '../../../src/client/operator-types.ts'
import type { Payment } from '../../../src/client/types.ts'
import { Act } from '../act.tsx'
import { get, pathWith, post } from '../api.ts'
import type { Page } from '../api.ts'
import { count, sums, words } from '../format.ts'
import { total, useMetrics } from '../metrics.ts'
import { Badge, Card, Empty, Facts, Screen, Shown, Time } from '../ui.tsx'
import { MandateView } from './mandate.tsx'

const maxAgents = 500

async function allAgents(): Promise<readonly AgentStatus[]> {
  const agents: AgentStatus[] = []
  let cursor: string | null = null
  do {
    const page: Page<AgentStatus> = await get(pathWith('/v1/agents', { limit: 100, cursor }))
    agents.push(...page.data)
    cursor = page.cursor
  } while (cursor !== null && agents.length < maxAgents)
  return agents
}

export function Agents() {
  const agents = useQuery({ queryKey: ['agents'], queryFn: allAgents })
  return (
    <Screen title="Agents" about="Who pays, how much each may spend, and how it behaves.">
      <Refusals />
      <Shown of={agents} what="the agents">
        {(list) =>
          list.length === 0 ? (
            <Empty>
              There are no agents yet. `quittance agents add` makes one, with its token.
            </Empty>
          ) : (
            <div className="cards">
              {list.map((agent) => (
                <Agent key={agent.id} agent={agent} />
              ))}
            </div>
          )
        }
      </Shown>
    </Screen>
  )
}

const told: readonly (readonly [string, string])[] = [
  ['duplicate_reference', 'Bills that were paid already'],
  ['possible_duplicate', 'Bills that look like others'],
  ['idempotency_key_reused', 'Keys used for another body'],
  ['rate_limited', 'Asked too often'],
  ['mandate_per_day', 'Over the limit of the day'],
  ['mandate_per_payment', 'Over the limit of a payment'],
]

/** Of all agents together: the metrics name none. */
function Refusals() {
  const metrics = useMetrics()
  return (
    <Card title="Refused, all agents, since the service started">
      <Shown of={metrics} what="the refusals">
        {(samples) => (
          <Facts
            of={told.map(
              ([code, name]) =>
                [name, total(samples, 'quittance_rejections_total', { code })] as const,
            )}
          />
        )}
      </Shown>
    </Card>
  )
}

function Agent({ agent }: { readonly agent: AgentStatus }) {
  return (
    <Card
      title={agent.id}
      className="of-id"
      aside={
        agent.suspended ? (
          <Badge tone="bad">suspended</Badge>
        ) : agent.account_suspended ? (
          <Badge tone="bad">account suspended</Badge>
        ) : (
          <Badge tone="good">active</Badge>
        )
      }
    >
      <p className="quiet">
        {agent.name}, account {agent.account}
      </p>
      <MandateView agent={agent.id} />
      <Behaviour agent={agent.id} />
      <div className="card-acts">
        <Link href={`/payments?agent=${encodeURIComponent(agent.id)}`} className="button">
          Its payments
        </Link>
        <Suspend agent={agent} />
      </div>
    </Card>
  )
}

function Suspend({ agent: { id, suspended } }: { readonly agent: AgentStatus }) {
  const verb = suspended ? 'resume' : 'suspend'
  return (
    <Act
      label={suspended ? 'Resume' : 'Suspend'}
      tone={suspended ? 'primary' : 'danger'}
      title={`${suspended ? 'Resume' : 'Suspend'} ${id}?`}
      about={
        suspended
          ? 'It may ask again, and its payments go on.'
          : 'It may ask for nothing new, and what it has begun waits; nothing of it is lost.'
      }
      act={async ({ reason }) => {
        await post(`/v1/agents/${encodeURIComponent(id)}/${verb}`, { body: { reason } })
        return suspended ? `${id} may pay again.` : `${id} is suspended.`
      }}
    />
  )
}

function Behaviour({ agent }: { readonly agent: string }) {
  const recent = useQuery({
    queryKey: ['behaviour', agent],
    queryFn: () => get<Page<Payment>>(pathWith('/v1/search', { agent, limit: 100 })),
    refetchInterval: 10_000,
  })
  return (
    <Shown of={recent} what="its payments">
      {({ data }) => {
        const [last] = data
        if (last === undefined) return <p className="quiet">It has not paid anything yet.</p>
        const states = [...Map.groupBy(data, ({ state }) => state)]
        const retries = data.filter(({ retry_of: earlier }) => earlier !== null).length
        const held = data.filter(({ hold }) => hold !== null)
        return (
          <Facts
            of={[
              ['Last', <Time key="last" at={last.created_at} />],
              [
                `Of the last ${data.length}`,
                states.map(([state, of]) => `${of.length} ${state}`).join(', '),
              ],
              ['Asked for', sums(data)],
              ['Retries of ended bills', retries],
              [
                'Held',
                held.length === 0
                  ? 'none'
                  : `${count(held.length, 'payment')}: ${[...new Set(held.map(({ hold }) => words(hold?.reason ?? '')))].join(', ')}`,
              ],
            ]}
          />
        )
      }}
    </Shown>
  )
}
