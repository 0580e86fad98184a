// Accounts: whose money agents spend. One can be closed as a whole, by one row that is read wherever the
// suspension of an agent is.
import type { AccountRow } from '../core/access.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import { recordAct } from './audit.ts'
import type { Act } from './control.ts'
import type { Engine } from './engine.ts'

type Told =
  | { readonly account: AccountRow; readonly rejection?: never }
  | { readonly rejection: Rejection }

/** Tries of a write that another operator's collides with. */
const maxConflicts = 10

const lost = reject('retry_same_key', 'The store did not say whether it was written; look again.')

export async function readAccount(engine: Engine, id: string): Promise<AccountRow | null> {
  const [row] = await engine.store.read([{ table: 'account', key: id }])
  return row?.value ?? null
}

/** A page of them, the last id first. */
export async function listAccounts(
  engine: Engine,
  limit: number,
  cursor: string | undefined,
): Promise<{ readonly accounts: readonly AccountRow[]; readonly cursor: string | null }> {
  const asked = { table: 'account', limit, ...(cursor === undefined ? {} : { cursor }) } as const
  const page = await engine.store.scan(asked)
  return { accounts: page.rows.map(({ value }) => value), cursor: page.cursor }
}

/** Made once; asked again it is shown as it is. */
export async function addAccount(
  engine: Engine,
  { id, name }: { readonly id: string; readonly name: string },
  { by, reason }: Act,
): Promise<Told> {
  const known = await readAccount(engine, id)
  if (known !== null) return { account: known }
  const account: AccountRow = { id, name, mandate: null }
  const put = {
    do: 'put',
    table: 'account',
    key: id,
    value: account,
    if: { absent: true },
  } as const
  const stored = await recordAct(engine, { act: 'account_add', target: id, by, reason }, [put])
  if (stored === 'stored') return { account }
  if (stored !== 'conflict') return { rejection: stored }
  const made = await readAccount(engine, id)
  return made === null ? { rejection: lost } : { account: made }
}

/** Suspends an account with all of its agents, or lets it go on. Replays are still answered. */
export async function setAccountSuspended(
  engine: Engine,
  id: string,
  suspended: boolean,
  { by, reason }: Act,
): Promise<Told> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'account', key: id }])
    if (row === null) return { rejection: reject('not_found', 'There is no such account.') }
    if ((row.value.suspended === true) === suspended) return { account: row.value }
    const account: AccountRow = { ...row.value, suspended }
    const put = {
      do: 'put',
      table: 'account',
      key: id,
      value: account,
      if: { version: row.version },
    } as const
    const act = suspended ? 'account_suspend' : 'account_resume'
    const stored = await recordAct(engine, { act, target: id, by, reason }, [put])
    if (stored === 'stored') return { account }
    if (stored !== 'conflict') return { rejection: stored }
  }
  return { rejection: lost }
}
