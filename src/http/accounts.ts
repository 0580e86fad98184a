// Accounts: whose money agents spend, and the switch that closes one with all of its agents.
import type { AccountRow } from '../core/access.ts'
import { addAccount, listAccounts, readAccount, setAccountSuspended } from '../engine/accounts.ts'
import { accountJson, accountListJson, accountRequest, accountsQuery } from './access-wire.ts'
import type { AccountJson } from './access-wire.ts'
import { actRequest } from './operator-schemas.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Operating, Reply, Route } from './route.ts'
import { noQuery } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchAccount } from './variables.ts'

const defaultPage = 20

const exampleAccount: AccountJson = {
  object: 'account',
  id: 'shop',
  name: 'the shop',
  suspended: false,
}

const toAccountJson = ({ id, name = id, suspended = false }: AccountRow): AccountJson => ({
  object: 'account',
  id,
  name,
  suspended,
})

const doc = (name: string, summary: string, status: number, suspended = false) => ({
  name,
  summary,
  status,
  answer: accountJson,
  example: { ...exampleAccount, suspended },
})

const list = operatorRead(
  '/v1/accounts',
  {
    name: 'listAccounts',
    summary: 'The accounts whose money agents spend',
    status: 200,
    answer: accountListJson,
    example: { object: 'list', data: [exampleAccount], cursor: null },
  },
  accountsQuery,
  async ({ engine, query: { limit = defaultPage, cursor } }) => {
    const { accounts, cursor: next } = await listAccounts(engine, limit, cursor)
    return ok(200, { object: 'list', data: accounts.map(toAccountJson), cursor: next })
  },
)

const add = operatorPost(
  '/v1/accounts',
  doc('addAccount', 'Make an account; one that is there is shown as it is', 201),
  { schema: accountRequest, example: { id: 'shop', name: 'the shop', reason: 'it opens today' } },
  async ({ engine, operator: by, body: { id, name, reason } }) => {
    const added = await addAccount(engine, { id, name }, { by, reason })
    return added.rejection === undefined ? ok(201, toAccountJson(added.account)) : added
  },
)

const show = operatorRead(
  '/v1/accounts/{accountId}',
  doc('getAccount', 'One account', 200),
  noQuery,
  async ({ engine, id }) => {
    const account = await readAccount(engine, id)
    return account === null ? noSuchAccount : ok(200, toAccountJson(account))
  },
)

async function throwSwitch(
  { engine, id, operator: by, body: { reason } }: Operating<{ readonly reason: string }>,
  suspended: boolean,
): Promise<Reply> {
  const thrown = await setAccountSuspended(engine, id, suspended, { by, reason })
  return thrown.rejection === undefined ? ok(200, toAccountJson(thrown.account)) : thrown
}

const suspend = operatorPost(
  '/v1/accounts/{accountId}/suspend',
  doc(
    'suspendAccount',
    'No agent of it may ask for anything new, and its payments wait',
    200,
    true,
  ),
  { schema: actRequest, example: { reason: 'its owner has left' } },
  (given) => throwSwitch(given, true),
)

const resume = operatorPost(
  '/v1/accounts/{accountId}/resume',
  doc('resumeAccount', 'Its agents may ask again, and its payments go on', 200),
  { schema: actRequest, example: { reason: 'its owner is back' } },
  (given) => throwSwitch(given, false),
)

export const accountRoutes: readonly Route[] = [list, add, show, suspend, resume]
