// Do our books and the processor's records say the same? Runs with their match rate by count and by
// value, and the differences with both sides beside each other.
import { useQuery } from '@tanstack/react-query'

import type {
  Break,
  ProcessorStatus,
  Reconciliation as Run,
} from '../../../src/client/operator-types.ts'
import { Act } from '../act.tsx'
import { get, post } from '../api.ts'
import type { Page } from '../api.ts'
import { count, duration, money, percent, words } from '../format.ts'
import { Ago, Badge, Card, Empty, PaymentLink, Screen, Shown, Table, Time } from '../ui.tsx'
import type { Tone } from '../ui.tsx'

export function Reconciliation() {
  return (
    <Screen
      title="Reconciliation"
      about="Our payments compared with the processor’s own records."
      actions={<RunNow />}
    >
      <Breaks />
      <Runs />
    </Screen>
  )
}

function RunNow() {
  const { data } = useQuery({
    queryKey: ['processors'],
    queryFn: () => get<Page<ProcessorStatus>>('/v1/processors'),
  })
  return (
    <Act
      label="Reconcile now"
      tone="primary"
      reason={false}
      about="Compares the last ten days with the processor’s records. It moves no money; what the records prove is taken up as evidence."
      fields={
        <label className="field">
          <span>Processor</span>
          <select name="processor">
            {(data?.data ?? []).map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      }
      act={async ({ field }) => {
        await post('/v1/reconciliations', { body: { processor: field('processor') } })
        return 'A run has begun.'
      }}
    />
  )
}

// ── Breaks ───────────────────────────────────────────────────────────────────────────────────────

const tones: Readonly<Record<Break['severity'], Tone>> = {
  critical: 'bad',
  high: 'bad',
  medium: 'warn',
  low: 'info',
  info: 'quiet',
}

async function standingBreaks(): Promise<Page<Break>> {
  const [open, looked] = await Promise.all([
    get<Page<Break>>('/v1/breaks?limit=100'),
    get<Page<Break>>('/v1/breaks?status=investigating&limit=100'),
  ])
  return { data: [...open.data, ...looked.data], cursor: open.cursor ?? looked.cursor }
}

function Breaks() {
  const breaks = useQuery({ queryKey: ['breaks'], queryFn: standingBreaks })
  return (
    <Card title="Open breaks">
      <Shown of={breaks} what="the breaks">
        {({ data, cursor }) =>
          data.length === 0 ? (
            <Empty>None: wherever both sides were compared, they agree.</Empty>
          ) : (
            <>
              <p className="ids">
                {[...Map.groupBy(data, ({ type }) => type)].map(([type, of]) => (
                  <Badge key={type} tone={tones[of[0]?.severity ?? 'info']}>
                    {of.length} {words(type)}
                  </Badge>
                ))}
                {cursor !== null && <span className="quiet">and more</span>}
              </p>
              <ul className="letters">
                {data
                  .toSorted((a, b) => b.age_seconds - a.age_seconds)
                  .map((each) => (
                    <BreakView key={each.id} of={each} />
                  ))}
              </ul>
            </>
          )
        }
      </Shown>
    </Card>
  )
}

function BreakView({ of }: { readonly of: Break }) {
  return (
    <li>
      <div className="break">
        <p>
          <Badge tone={tones[of.severity]}>{of.severity}</Badge> <strong>{words(of.type)}</strong>{' '}
          {of.status === 'investigating' && <Badge tone="info">looked into by {of.by ?? ''}</Badge>}{' '}
          <span className="quiet">
            {of.meaning}; for {duration(of.age_seconds * 1_000)}; at risk{' '}
            {money(of.value_at_risk, of.currency)}
          </span>
        </p>
        <div className="sides">
          <div>
            <h3>Ours</h3>
            <p>{of.ours}</p>
            {of.payment_id !== null && <PaymentLink id={of.payment_id} />}
          </div>
          <div>
            <h3>{of.processor}</h3>
            <p>{of.theirs}</p>
            {of.processor_reference !== null && <code>{of.processor_reference}</code>}
          </div>
        </div>
      </div>
      <div className="letter-acts">
        <BreakAct
          of={of}
          act="investigate"
          label="Investigate"
          done="You look into it."
          about="Shows the others that you look into it."
        />
        <BreakAct
          of={of}
          act="resolve"
          label="Resolve"
          done="Resolved."
          about="It is explained or mended. If it is found again it opens anew."
        />
        <BreakAct
          of={of}
          act="write_off"
          label="Write off"
          done="Written off."
          about="The loss is accepted; it does not open again."
        />
      </div>
    </li>
  )
}

function BreakAct({
  of,
  act,
  label,
  about,
  done,
}: {
  readonly of: Break
  readonly act: 'investigate' | 'resolve' | 'write_off'
  readonly label: string
  readonly about: string
  readonly done: string
}) {
  return (
    <Act
      label={label}
      tone={act === 'write_off' ? 'danger' : 'plain'}
      title={`${label}: ${words(of.type)}`}
      about={about}
      act={async ({ reason }) => {
        await post(`/v1/breaks/${of.id}/${act}`, { body: { reason }, version: of.version })
        return done
      }}
    />
  )
}

// ── Runs ─────────────────────────────────────────────────────────────────────────────────────────

function Runs() {
  const runs = useQuery({
    queryKey: ['runs'],
    queryFn: () => get<Page<Run>>('/v1/reconciliations?limit=20'),
  })
  return (
    <Card title="Runs">
      <Shown of={runs} what="the runs">
        {({ data }) =>
          data.length === 0 ? (
            <Empty>
              No run yet. One is made every QUITTANCE_RECONCILE_MINUTES, or when you ask.
            </Empty>
          ) : (
            <Table
              caption="Reconciliation runs"
              heads={[
                'Began',
                'Window',
                'By',
                'Matched by count',
                'Matched by value',
                'Breaks',
                'Evidence',
              ]}
            >
              {data.map((run) => (
                <RunRow key={run.id} run={run} />
              ))}
            </Table>
          )
        }
      </Shown>
    </Card>
  )
}

function RunRow({ run }: { readonly run: Run }) {
  const breaks = Object.entries(run.breaks)
  return (
    <tr>
      <td>
        <Ago at={run.started_at} />
        {run.status !== 'finished' && (
          <Badge tone={run.status === 'failed' ? 'bad' : 'info'}>{run.status}</Badge>
        )}
        {run.cause !== null && <small>{words(run.cause)}</small>}
      </td>
      <td>
        <Time at={run.from} /> <br />
        <Time at={run.to} />
      </td>
      <td>{run.requested_by}</td>
      <td className="number">
        {run.match_rate === null ? '–' : percent(run.match_rate)}
        <small>
          {run.matched} of {run.matchable}
        </small>
      </td>
      <td className="number">
        {Object.entries(run.totals).map(([currency, { ours, theirs, matched }]) => (
          <span key={currency} className="line">
            {percent(matched / Math.max(1, ours, theirs))}
            <small>
              {money(matched, currency)} of {money(Math.max(ours, theirs), currency)}
            </small>
          </span>
        ))}
      </td>
      <td>
        {breaks.length === 0
          ? 'none'
          : breaks.map(([type, number]) => (
              <span key={type} className="line">
                {number} {words(type)}
              </span>
            ))}
      </td>
      <td>{count(run.evidence, 'proof')}</td>
    </tr>
  )
}
