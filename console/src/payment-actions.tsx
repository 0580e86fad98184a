// What may be done with a payment: the service decides each by the core's own table, so that the button
// that is off says the same as the refusal would.
import { useQuery } from '@tanstack/react-query'

import type { Payment } from '../../src/client/types.ts'
import { Act } from './act.tsx'
import { get, post } from './api.ts'
import type { Page } from './api.ts'
import { money, words } from './format.ts'
import { Badge, Card, Shown } from './ui.tsx'

interface Allowed {
  readonly action: 'capture' | 'void' | 'refund' | 'approve' | 'deny' | 'redrive' | 'resolve'
  readonly by: 'agent' | 'operator'
  readonly allowed: boolean
  readonly code: string | null
  readonly detail: string | null
}

const does: Readonly<Record<Allowed['action'], string>> = {
  capture: 'Takes what is authorised.',
  void: 'Ends it before its money moves.',
  refund: 'Gives money back.',
  approve: 'Lets it go on, exactly as it is shown here.',
  deny: 'Refuses it; nothing is sent.',
  redrive: 'Takes it up again from where it stands; nothing is sent that could pay twice.',
  resolve: 'Your word on what the processor shows ends the question.',
}

export function Actions({ payment }: { readonly payment: Payment }) {
  const actions = useQuery({
    queryKey: ['actions', payment.id, payment.version],
    queryFn: () => get<Page<Allowed>>(`/v1/payments/${payment.id}/actions`),
    placeholderData: (before) => before,
  })
  return (
    <Card title="What may be done">
      <Shown of={actions} what="the actions">
        {({ data }) => (
          <ul className="acts">
            {data.map((each) => (
              <li key={each.action} className={each.allowed ? 'yes' : 'no'}>
                <span className="act-name">{each.action}</span>
                <span>
                  {each.allowed ? does[each.action] : `Not now: ${each.detail ?? ''}`}
                  {each.code !== null && <code>{each.code}</code>}
                </span>
                {each.by === 'operator' ? (
                  <Button payment={payment} each={each} />
                ) : (
                  <Badge tone="quiet">its agent’s</Badge>
                )}
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Card>
  )
}

function Button({ payment, each }: { readonly payment: Payment; readonly each: Allowed }) {
  switch (each.action) {
    case 'approve':
    case 'deny':
      return <Decide payment={payment} decision={each.action} disabled={!each.allowed} />
    case 'redrive':
      return <Redrive payment={payment} disabled={!each.allowed} />
    case 'resolve':
      return <Resolve payment={payment} disabled={!each.allowed} />
    case 'capture':
    case 'void':
    case 'refund':
      return null
  }
}

interface OnPayment {
  readonly payment: Payment
  readonly disabled?: boolean
}

const bill = ({ amount, currency, payee, reference }: Payment): string =>
  `${money(amount, currency)} to ${payee} for ${reference}`

export function Decide({
  payment,
  decision,
  disabled = false,
}: OnPayment & { readonly decision: 'approve' | 'deny' }) {
  const isYes = decision === 'approve'
  return (
    <Act
      label={isYes ? 'Approve' : 'Deny'}
      tone={isYes ? 'primary' : 'danger'}
      disabled={disabled}
      reason={false}
      title={isYes ? `Approve ${bill(payment)}?` : `Deny ${bill(payment)}?`}
      about={`${does[decision]} It counts for version ${payment.version}: if it has changed by then, nothing happens.`}
      act={async () => {
        await post(`/v1/payments/${payment.id}/${decision}`, { body: {}, version: payment.version })
        return isYes ? 'Approved; it goes on.' : 'Denied; nothing was sent.'
      }}
    />
  )
}

export function Redrive({ payment, disabled = false }: OnPayment) {
  return (
    <Act
      label="Redrive"
      tone="primary"
      disabled={disabled}
      title={`Redrive ${bill(payment)}?`}
      about={does.redrive}
      act={async ({ reason }) => {
        await post(`/v1/dead-letters/${payment.id}/redrive`, {
          body: { reason },
          version: payment.version,
        })
        return 'Taken up again.'
      }}
    />
  )
}

export function Resolve({ payment, disabled = false }: OnPayment) {
  return (
    <Act
      label="Resolve"
      disabled={disabled}
      title={`What does the processor show for ${bill(payment)}?`}
      about="Look at the processor first. “Paid” is checked against the object that you name; “not paid” ends the payment without money."
      fields={
        <>
          <fieldset className="field">
            <legend>Finding</legend>
            <label className="choice">
              <input type="radio" name="finding" value="paid" required /> Paid: the money was taken
            </label>
            <label className="choice">
              <input type="radio" name="finding" value="not_paid" /> Not paid: no money was taken or
              will be
            </label>
          </fieldset>
          <label className="field">
            <span>The processor’s reference (for paid)</span>
            <input name="processor_reference" maxLength={256} />
          </label>
        </>
      }
      act={async ({ reason, field }) => {
        const finding = field('finding')
        const reference = field('processor_reference')
        const found = finding === 'paid' ? { finding, processor_reference: reference } : { finding }
        const path = `/v1/dead-letters/${payment.id}/resolve`
        const after = await post<Payment & { dead_letter?: { status: string } }>(path, {
          body: { ...found, reason },
          version: payment.version,
        })
        return after.dead_letter?.status === 'open'
          ? 'Kept as a proposal: a second operator must say the same.'
          : `Resolved as ${words(finding)}.`
      }}
    />
  )
}
