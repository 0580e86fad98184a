// One payment: where it stands, its life, what may be done with it, its lines in the books, and all of
// it as JSON.
import { useQuery } from '@tanstack/react-query'
import { Fragment } from 'react'
import { Link } from 'wouter'

import type { DeadLetter, Journal } from '../../../src/client/operator-types.ts'
import type { Payment, PaymentEvent, Receipt } from '../../../src/client/types.ts'
import { get, Refused } from '../api.ts'
import type { Page } from '../api.ts'
import { duration, money, words } from '../format.ts'
import { Actions } from '../payment-actions.tsx'
import { storyOf, stretchesOf } from '../story.ts'
import type { Step } from '../story.ts'
import {
  Badge,
  Card,
  Empty,
  Facts,
  PaymentLink,
  Screen,
  Shown,
  StateBadge,
  Table,
  Time,
} from '../ui.tsx'
import type { Tone } from '../ui.tsx'
import { EvidenceView } from './evidence.tsx'

/** Until it has ended its page is asked for again every second: people watch it. */
const watchedEveryMs = 1_000

const isMoving = (payment: Payment | undefined): boolean =>
  payment === undefined || payment.next_action.type === 'wait' || payment.operation !== null

async function allEvents(id: string): Promise<readonly PaymentEvent[]> {
  const events: PaymentEvent[] = []
  for (;;) {
    const after = events.at(-1)?.seq ?? 0
    const { data } = await get<Page<PaymentEvent>>(
      `/v1/payments/${id}/events?limit=100&after=${after}`,
    )
    events.push(...data)
    if (data.length < 100 || events.length >= 2_000) return events
  }
}

export function OnePayment({ id }: { readonly id: string }) {
  const payment = useQuery({
    queryKey: ['payment', id],
    queryFn: () => get<Payment>(`/v1/payments/${id}`),
    refetchInterval: ({ state }) => (isMoving(state.data) ? watchedEveryMs : 4_000),
  })
  const events = useQuery({
    // A new version of the payment has new events.
    queryKey: ['events', id, payment.data?.version],
    queryFn: () => allEvents(id),
    refetchInterval: false,
    placeholderData: (before) => before,
  })
  return (
    <Screen
      title="Payment"
      about={
        <>
          <Link href="/payments">All payments</Link> / <code>{id}</code>
        </>
      }
    >
      <Shown of={payment} what="The payment">
        {(shown) => (
          <>
            <Head payment={shown} />
            <Card title="What happened">
              <Shown of={events} what="its history">
                {(list) => <Story events={list} payment={shown} />}
              </Shown>
            </Card>
            <Actions payment={shown} />
            <div className="two">
              <Bill payment={shown} />
              <Ledger payment={shown} />
            </div>
            <Parked payment={shown} />
            <Proof payment={shown} />
            <Raw payment={shown} events={events.data ?? []} />
          </>
        )}
      </Shown>
    </Screen>
  )
}

// ── Where it stands ──────────────────────────────────────────────────────────────────────────────

const moved: Readonly<Record<Payment['money_moved'], readonly [Tone, string]>> = {
  yes: ['good', 'The money moved, once.'],
  no: ['quiet', 'No money moved.'],
  unknown: ['bad', 'It is not known yet whether money moved.'],
}

const todo: Readonly<Record<Payment['next_action']['type'], string>> = {
  none: 'There is nothing to do.',
  wait: 'It goes on by itself; nobody has to do anything.',
  ask_human: 'It waits for a person: see what may be done below.',
  fix_request: 'The request has to be corrected by its agent.',
  use_existing: 'Another payment pays this bill.',
  retry_same_key: 'Its agent may ask again with the same key.',
}

function Head({ payment }: { readonly payment: Payment }) {
  const [tone, said] = moved[payment.money_moved]
  return (
    <section className={`verdict ${tone}`} aria-label="Where it stands">
      <div className="amount">{money(payment.amount, payment.currency)}</div>
      <div>
        <span className="to">
          to <strong>{payment.payee}</strong> for <strong>{payment.reference}</strong>
        </span>
        <StateBadge payment={payment} />
        <strong>{said}</strong>
        <span>{todo[payment.next_action.type]}</span>
      </div>
    </section>
  )
}

// ── Its life ─────────────────────────────────────────────────────────────────────────────────────

function Story({
  events,
  payment,
}: {
  readonly events: readonly PaymentEvent[]
  readonly payment: Payment
}) {
  const steps = storyOf(events, payment.currency)
  if (steps.length === 0) return <Empty>Nothing yet.</Empty>
  return (
    <>
      <Life steps={steps} />
      <div
        className="table-box"
        tabIndex={0}
        role="region"
        aria-label="What happened, step by step"
      >
        <table className="story">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">We sent</th>
              <th scope="col">What came back</th>
              <th scope="col">What we concluded, and why</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step, index) => (
              <Fragment key={step.seq}>
                <Pause before={steps[index - 1]} step={step} />
                <tr className={step.tone}>
                  <td>
                    <Time at={step.at} ms />
                    <small>
                      {step.seq} · {words(step.type)}
                    </small>
                  </td>
                  <td>{step.sent ?? ''}</td>
                  <td>
                    {step.came ?? ''}
                    {step.excerpt !== null && <Excerpt text={step.excerpt} />}
                  </td>
                  <td>
                    <strong>{step.concluded}</strong>
                    {step.why !== null && <small>{step.why}</small>}
                  </td>
                </tr>
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

/** Shorter pauses are just the time that things take. */
const pauseMs = 1_000

function Pause({ before, step }: { readonly before: Step | undefined; readonly step: Step }) {
  if (before === undefined) return null
  const ms = Date.parse(step.at) - Date.parse(before.at)
  if (ms < pauseMs) return null
  return (
    <tr className="pause">
      <td colSpan={4}>… {duration(ms)} later</td>
    </tr>
  )
}

const Excerpt = ({ text }: { readonly text: string }) => (
  <details>
    <summary>What it said</summary>
    <pre>{text}</pre>
  </details>
)

function Life({ steps }: { readonly steps: readonly Step[] }) {
  const stretches = stretchesOf(steps)
  return (
    <ol className="life" aria-label="States">
      {stretches.map(({ state, fromMs, toMs, unknown }) => (
        <li
          key={`${state} ${fromMs} ${unknown}`}
          className={`${unknown ? 'unknown' : state} ${toMs === null ? 'here' : ''}`}
          // A stretch that lasts ten times as long is one step wider.
          style={{ flexGrow: toMs === null ? 2 : 1 + Math.log10(1 + toMs - fromMs) }}
        >
          <strong>{unknown ? 'unknown' : state}</strong>
          <small>{toMs === null ? 'now' : duration(toMs - fromMs)}</small>
        </li>
      ))}
    </ol>
  )
}

// ── The rest ─────────────────────────────────────────────────────────────────────────────────────

function Bill({ payment }: { readonly payment: Payment }) {
  const { operation, hold, void_requested: voiding } = payment
  const minor = (amount: number) => money(amount, payment.currency)
  return (
    <Card title="The payment">
      <Facts
        of={[
          ['Captured', minor(payment.amount_captured)],
          ['Refunded', minor(payment.amount_refunded)],
          ...(payment.amount_reversed > 0
            ? [['Reversed', minor(payment.amount_reversed)] as const]
            : []),
          [
            'Out now',
            operation === null
              ? 'nothing'
              : `${operation.kind}: ${operation.status}, attempt ${operation.attempt}, ${operation.sends} sends`,
          ],
          [
            'Looked at next',
            operation?.next_check_at == null ? '–' : <Time at={operation.next_check_at} />,
          ],
          ['Held', hold === null ? 'no' : words(hold.reason)],
          ...(voiding === null
            ? []
            : [['Void asked', `${voiding.by}: ${voiding.reason}`] as const]),
          [
            'Agent',
            <Link key="agent" href={`/payments?agent=${payment.agent}`}>
              {payment.agent}
            </Link>,
          ],
          ['Account', payment.account],
          ['Processor', payment.processor],
          [
            'Its reference',
            payment.processor_reference === null ? (
              '–'
            ) : (
              <code key="reference">{payment.processor_reference}</code>
            ),
          ],
          ['Description', payment.description],
          [
            'Retry of',
            payment.retry_of === null ? '–' : <PaymentLink key="retry" id={payment.retry_of} />,
          ],
          ['Claimed', <Time key="claimed" at={payment.created_at} />],
          ['Changed', <Time key="changed" at={payment.updated_at} />],
        ]}
      />
    </Card>
  )
}

function Ledger({ payment }: { readonly payment: Payment }) {
  const journals = useQuery({
    queryKey: ['journals', payment.id, payment.version],
    queryFn: () =>
      get<Page<Journal>>(`/v1/ledger/journals?payment=${payment.id}&order=oldest&limit=100`),
    placeholderData: (before) => before,
  })
  return (
    <Card title="In the books">
      <Shown of={journals} what="the ledger">
        {({ data }) =>
          data.length === 0 ? (
            <Empty>Nothing is booked: no money has moved.</Empty>
          ) : (
            <Table caption="Ledger lines" heads={['For', 'Account', 'Debit', 'Credit']}>
              {data.flatMap((journal) =>
                journal.postings.map(({ account, amount }, index) => (
                  <tr key={`${journal.seq} ${journal.kind} ${account}`}>
                    <td>{index === 0 ? journal.kind : ''}</td>
                    <td className="account">{account}</td>
                    <td className="number">{amount > 0 ? money(amount, journal.currency) : ''}</td>
                    <td className="number">{amount < 0 ? money(-amount, journal.currency) : ''}</td>
                  </tr>
                )),
              )}
            </Table>
          )
        }
      </Shown>
    </Card>
  )
}

function Parked({ payment }: { readonly payment: Payment }) {
  const isParked = payment.hold?.reason === 'dead_letter'
  const letter = useQuery({
    queryKey: ['dead-letter', payment.id, payment.version],
    queryFn: () => get<DeadLetter>(`/v1/dead-letters/${payment.id}`),
    enabled: isParked,
  })
  if (!isParked) return null
  return (
    <Card title="Why it is parked">
      <Shown of={letter} what="the dead letter">
        {(found) => <EvidenceView letter={found} />}
      </Shown>
    </Card>
  )
}

function Proof({ payment }: { readonly payment: Payment }) {
  const receipt = useQuery({
    queryKey: ['receipt', payment.id, payment.version],
    queryFn: () => get<Receipt>(`/v1/payments/${payment.id}/receipt`).catch(noneYet),
  })
  if (receipt.data == null) return null
  return (
    <Card title="Receipt" aside={<Badge tone="good">signed</Badge>}>
      <p className="quiet">
        Signed with key <code>{receipt.data.kid}</code>; `quittance receipts verify` reads it
        without this service.
      </p>
      <details>
        <summary>What is signed</summary>
        <pre>{JSON.stringify(receipt.data.claims, null, 2)}</pre>
        <pre className="wrap">{receipt.data.jws}</pre>
      </details>
    </Card>
  )
}

// No receipt while it is open, and none where nobody signs: neither is a fault of this page.
function noneYet(error: unknown): null {
  if (error instanceof Refused && error.problem.status < 500) return null
  throw error
}

const Raw = ({
  payment,
  events,
}: {
  readonly payment: Payment
  readonly events: readonly PaymentEvent[]
}) => (
  <Card title="As JSON">
    <details>
      <summary>The payment</summary>
      <pre>{JSON.stringify(payment, null, 2)}</pre>
    </details>
    <details>
      <summary>Its {events.length} events</summary>
      <pre>{JSON.stringify(events, null, 2)}</pre>
    </details>
  </Card>
)
