// The tour: a test payment to each payee of the simulated processor that goes wrong in its own way, and
// what becomes of it. No real money can move here.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'

import type { Payment } from '../../../src/client/types.ts'
import { get, pathWith, post } from '../api.ts'
import type { Page } from '../api.ts'
import { groups, sentinels } from '../sentinels.ts'
import type { Sentinel } from '../sentinels.ts'
import { useMayAct, useSession } from '../session.ts'
import { Card, Empty, Failed, Screen, StateBadge, tell } from '../ui.tsx'

const agent = 'agent_sandbox'

export function Sandbox() {
  const { sandbox } = useSession()
  const sent = useQuery({
    queryKey: ['sandbox'],
    queryFn: () => get<Page<Payment>>(pathWith('/v1/search', { agent, limit: 100 })),
    refetchInterval: 1_500,
    enabled: sandbox,
  })
  if (!sandbox) {
    return (
      <Screen title="Sandbox tour">
        <Empty>There is a tour only where the processor is simulated.</Empty>
      </Screen>
    )
  }
  const latest = new Map((sent.data?.data ?? []).toReversed().map((each) => [each.payee, each]))
  return (
    <Screen
      title="Sandbox tour"
      about="Send a test payment to a payee that goes wrong, and watch it survive. The processor is simulated: no money can move."
    >
      <Card title="First, one that goes well" className="plain-card">
        <ul className="tour">
          <Stop of={ordinary} payment={latest.get(ordinary.payee)} />
        </ul>
      </Card>
      {Object.entries(groups).map(([group, title]) => (
        <Card key={group} title={title}>
          <ul className="tour">
            {sentinels
              .filter((each) => each.group === group)
              .map((each) => (
                <Stop key={each.payee} of={each} payment={latest.get(each.payee)} />
              ))}
          </ul>
        </Card>
      ))}
    </Screen>
  )
}

const ordinary: Sentinel = {
  group: 'slow',
  payee: 'acme supplies',
  title: 'An ordinary payee',
  what: 'Authorised, captured and settled.',
  look: 'How a payment looks when nothing goes wrong.',
}

function Stop({ of, payment }: { readonly of: Sentinel; readonly payment: Payment | undefined }) {
  const client = useQueryClient()
  const mayAct = useMayAct()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const first = payment === undefined ? 'Send a test payment' : 'Send another'
  const says = isBusy ? 'Sending …' : first
  const send = async () => {
    setBusy(true)
    setError(null)
    try {
      const made = await post<Payment>('/v1/sandbox/payments', { body: billFor(of.payee) })
      tell(`Sent ${made.reference} to ${of.payee}.`)
    } catch (caught) {
      setError(caught)
    }
    setBusy(false)
    await client.invalidateQueries({ queryKey: ['sandbox'] })
  }
  return (
    <li>
      <div>
        <h3>
          {of.title} <code>{of.payee}</code>
        </h3>
        <p>{of.what}</p>
        <p className="quiet">{of.look}</p>
        {error !== null && <Failed error={error} what="Sending" />}
      </div>
      <div className="tour-side">
        {payment !== undefined && (
          <p className="tour-result">
            <StateBadge payment={payment} />
            <Link href={`/payments/${payment.id}`} className="button">
              See what happened to {payment.reference}
            </Link>
          </p>
        )}
        <button
          type="button"
          className={payment === undefined ? 'primary' : 'plain'}
          disabled={isBusy || !mayAct}
          aria-label={`${says} to ${of.payee}`}
          onClick={() => void send()}
        >
          {says}
        </button>
      </div>
    </li>
  )
}

/** Each is a bill of its own; the amount is any that looks like one. */
function billFor(payee: string) {
  const random = crypto.getRandomValues(new Uint32Array(2))
  const reference = `TOUR-${(random[0] ?? 0).toString(36).toUpperCase()}`
  return { payee, reference, amount: 1_000 + ((random[1] ?? 0) % 9_000), currency: 'EUR' }
}
