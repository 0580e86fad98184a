// After a restore: what the processor has and the store does not. Nothing is taken until a person has
// rebuilt it and said so; this is where both are done.
import { useQuery } from '@tanstack/react-query'

import type { RecoveryObject, RecoveryState } from '../../../src/client/recovery.ts'
import { Act } from '../act.tsx'
import { get, pathWith, post } from '../api.ts'
import type { Page } from '../api.ts'
import { count, money, words } from '../format.ts'
import { useRecovery } from '../recovery-banner.tsx'
import { Badge, Card, Empty, Facts, PaymentLink, Screen, Shown, Table, Time } from '../ui.tsx'
import type { Tone } from '../ui.tsx'

type ObjectPage = Page<RecoveryObject> & { readonly unreadable: number }

/** So many are shown; a rebuild takes them all. */
const maxShown = 500

export function Recovery() {
  const state = useRecovery()
  return (
    <Screen
      title="Recovery"
      about="A store that was set back is not gone on with: what happened since is rebuilt from the processor first."
    >
      <Shown of={state} what="the recovery">
        {(recovery) => (
          <>
            <Standing recovery={recovery} />
            {recovery.status === 'read_only' && <Missing />}
          </>
        )}
      </Shown>
    </Screen>
  )
}

const standings: Readonly<Record<RecoveryState['status'], readonly [Tone, string]>> = {
  open: ['good', 'The store knows all that the processor knows; the service is open.'],
  checking: ['warn', 'The processor is being asked. Claims are told to come back.'],
  read_only: ['bad', 'The processor has objects that the store does not know.'],
}

function Standing({ recovery }: { readonly recovery: RecoveryState }) {
  const { status, why, unknown, since } = recovery
  const [tone, text] = standings[status]
  return (
    <Card title="How it stands" aside={<Badge tone={tone}>{words(status)}</Badge>}>
      <p>{why === '' ? text : why}</p>
      {status !== 'open' && (
        <Facts
          of={[
            ['Unknown objects', String(unknown)],
            ['Compared since', since === null ? null : <Time key="since" at={since} />],
          ]}
        />
      )}
    </Card>
  )
}

// ── What is missing ──────────────────────────────────────────────────────────────────────────────

async function missingObjects(): Promise<ObjectPage> {
  const data: RecoveryObject[] = []
  let [cursor, unreadable]: [string | null, number] = [null, 0]
  do {
    const page: ObjectPage = await get(pathWith('/v1/recovery/objects', { cursor }))
    data.push(...page.data)
    unreadable += page.unreadable
    cursor = page.cursor
  } while (cursor !== null && data.length < maxShown)
  return { data, cursor, unreadable }
}

function Missing() {
  const objects = useQuery({ queryKey: ['recovery', 'objects'], queryFn: missingObjects })
  return (
    <Card title="What is missing">
      <Shown of={objects} what="the objects">
        {({ data, cursor, unreadable }) => (
          <>
            {data.length === 0 ? (
              <Empty>Nothing is missing any more. Confirm, and the service opens.</Empty>
            ) : (
              <Objects of={data} />
            )}
            {cursor !== null && (
              <p className="quiet">The first {data.length} are shown; there are more.</p>
            )}
            {unreadable > 0 && (
              <p>{count(unreadable, 'line')} of the processor could not be read.</p>
            )}
            <div className="letter-acts">
              <Rebuild />
              <Confirm left={data.length} />
            </div>
          </>
        )}
      </Shown>
    </Card>
  )
}

const results: Readonly<Record<RecoveryObject['result'], Tone>> = {
  rebuilt: 'good',
  caught_up: 'good',
  left: 'warn',
}

const futures: Readonly<Record<RecoveryObject['result'], string>> = {
  rebuilt: 'will be rebuilt',
  caught_up: 'will be brought up to date',
  left: 'is left to you',
}

function Objects({ of }: { readonly of: readonly RecoveryObject[] }) {
  return (
    <Table
      caption="Objects that the store does not know"
      heads={['Object', 'There', 'Amount', 'Payee', 'Account', 'Payment', 'What becomes of it']}
    >
      {of.map((each) => (
        <tr key={each.processor_reference}>
          <td>
            <code>{each.processor_reference}</code> <Time at={each.created_at} />
          </td>
          <td>{words(each.processor_status)}</td>
          <td className="number">{money(each.amount, each.currency)}</td>
          <td>{each.payee ?? '–'}</td>
          <td>{each.account ?? '–'}</td>
          <td>{each.payment === null ? '–' : <PaymentLink id={each.payment} />}</td>
          <td className="why">
            <Badge tone={results[each.result]}>{futures[each.result]}</Badge> {words(each.found)}
            {each.why !== null && `: ${each.why}`}
          </td>
        </tr>
      ))}
    </Table>
  )
}

// ── Acts ─────────────────────────────────────────────────────────────────────────────────────────

function Rebuild() {
  return (
    <Act
      label="Rebuild"
      title="Rebuild what is missing"
      tone="primary"
      about={
        <p>
          Each payment comes back with its amounts, attempts and the guard of its bill. Nothing is
          sent. Descriptions, metadata and the words of references are not at the processor.
        </p>
      }
      fields={
        <label className="field">
          <span>Account of objects that name none (may be empty)</span>
          <input name="account" maxLength={64} />
        </label>
      }
      act={async ({ reason, field }) => rebuildAll(reason, field('account'))}
    />
  )
}

async function rebuildAll(reason: string, account: string): Promise<string> {
  const named = account === '' ? {} : { account }
  let [done, left]: [number, number] = [0, 0]
  let cursor: string | null = null
  do {
    const from = cursor === null ? {} : { cursor }
    const page: ObjectPage = await post('/v1/recovery/rebuild', {
      body: { reason, ...named, ...from },
    })
    const open = page.data.filter(({ result }) => result === 'left').length
    left += open
    done += page.data.length - open
    cursor = page.cursor
  } while (cursor !== null)
  return `${done} rebuilt or brought up to date, ${left} left.`
}

function Confirm({ left }: { readonly left: number }) {
  return (
    <Act
      label="Confirm and open"
      title="Open the service"
      tone={left === 0 ? 'primary' : 'danger'}
      about={
        <p>
          The processor is asked once more. Then agents may ask again, and payments go on from where
          they stand. Look through the switches and mandates first: they are those of the backup.
        </p>
      }
      fields={
        <label className="field">
          <span>Objects that stay as they are, each looked at</span>
          <input name="leave" type="number" min={0} max={1_000_000} defaultValue={0} required />
        </label>
      }
      act={async ({ reason, field }) => {
        const body = { reason, leave: Number(field('leave')) }
        const { status } = await post<RecoveryState>('/v1/recovery/confirm', { body })
        return `The service is ${status}.`
      }}
    />
  )
}
