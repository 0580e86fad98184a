// Where events go: endpoints, their secrets, what became of each delivery, and what is sent again.
import type {
  Client,
  EndpointResult,
  ReplayRequest,
  ReplayResult,
  WebhookDelivery,
  WebhookEndpointWithSecret,
} from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Option, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { pageOf, pageOptions, printPage } from '../pages.ts'
import { deliveryTable, endpointTable } from '../show-webhooks.ts'
import type { Terminal } from '../terminal.ts'

const reasonOption: Option = { value: 'TEXT', what: 'why; kept in the audit' }

const reasonOf = (words: Words): { readonly reason?: string } => {
  const reason = words.text('reason')
  return reason === null ? {} : { reason }
}

const list: Command = {
  name: 'webhooks list',
  summary: 'where events go, and how each endpoint stands',
  about: `
Lists the endpoints, newest first, never with a secret. "waiting": an agent has named it as its callback,
and nothing is sent there before you enable it. "failing": nothing was taken at the last try.`,
  examples: ['quittance webhooks list'],
  options: { ...remoteOptions, ...pageOptions },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.webhooks(pageOf(words)))
    return printPage(page, words, terminal, 'endpoints', (data) =>
      endpointTable(data, terminal.style),
    )
  },
}

const add: Command = {
  name: 'webhooks add',
  operands: 'URL',
  summary: 'send events to an address',
  about: `
Prints the secret that signs (Standard Webhooks): this one time. Events of all payments go there unless
--account, --agent or --events say less. The address must be https:// and public; http:// on this machine
will do while the service listens on loopback.`,
  examples: [
    'quittance webhooks add https://example.com/quittance',
    'quittance webhooks add https://example.com/hook --events captured,settled,declined',
  ],
  options: {
    ...remoteOptions,
    events: { value: 'TYPES', what: 'types of events, with commas between them (all)' },
    account: { value: 'ACCOUNT', what: 'payments of this account only' },
    agent: { value: 'AGENT', what: 'payments of this agent only' },
    description: { value: 'TEXT', what: 'for people' },
    reason: reasonOption,
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const given = (name: 'account' | 'agent' | 'description') => {
      const text = words.text(name)
      return text === null ? {} : { [name]: text }
    }
    const events = words.text('events')?.split(',')
    const { endpoint } = expectOk(
      await client.addWebhook({
        url: words.operands[0] ?? '',
        ...(events === undefined ? {} : { events }),
        ...given('account'),
        ...given('agent'),
        ...given('description'),
        ...reasonOf(words),
      }),
    )
    return printSecret(endpoint, words, terminal)
  },
}

function printSecret(
  endpoint: WebhookEndpointWithSecret,
  words: Words,
  terminal: Terminal,
): ExitCode {
  if (words.is('json')) {
    terminal.out(JSON.stringify(endpoint))
    return exitCodes.ok
  }
  // The secret alone: it can be piped to where it is kept.
  terminal.out(endpoint.secret ?? '')
  terminal.note(`This is the secret of ${endpoint.id}. Keep it now: it is not shown again.`)
  return exitCodes.ok
}

const rotate: Command = {
  name: 'webhooks rotate',
  operands: 'ID',
  summary: 'a new secret; for a while the old one signs as well',
  about: `
Prints the new secret. Until --overlap seconds have passed both sign each message, so that a receiver that
knows either of them goes on. With 0 the old one ends at once: for a secret that has leaked.`,
  examples: ['quittance webhooks rotate whe_01JD4Z0M8QW3R5T7V9X1B2C4D6'],
  options: {
    ...remoteOptions,
    overlap: { value: 'SECONDS', what: 'for so long both sign (86400; at most 604800)' },
    reason: reasonOption,
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const overlap = { overlap_seconds: words.integer('overlap', 86_400, 0, 604_800) }
    const id = words.operands[0] ?? ''
    const { endpoint } = expectOk(
      await client.rotateWebhook(id, { ...overlap, ...reasonOf(words) }),
    )
    return printSecret(endpoint, words, terminal)
  },
}

function act(
  name: 'enable' | 'disable',
  summary: string,
  about: string,
  does: (client: Client, id: string, why: { readonly reason?: string }) => Promise<EndpointResult>,
): Command {
  return {
    name: `webhooks ${name}`,
    operands: 'ID',
    summary,
    about,
    examples: [`quittance webhooks ${name} whe_01JD4Z0M8QW3R5T7V9X1B2C4D6`],
    options: { ...remoteOptions, reason: reasonOption },
    run: async (words, terminal) => {
      const client = await connect(words, 'operator')
      const { endpoint } = expectOk(await does(client, words.operands[0] ?? '', reasonOf(words)))
      if (words.is('json')) terminal.out(JSON.stringify(endpoint))
      else for (const line of endpointTable([endpoint], terminal.style)) terminal.out(line)
      return exitCodes.ok
    },
  }
}

const enable = act(
  'enable',
  'send there: what was kept, and what comes',
  'Lets an agent’s callback in, or goes on with an endpoint that was disabled. Nothing was lost meanwhile.',
  (client, id, why) => client.enableWebhook(id, why),
)

const disable = act(
  'disable',
  'send nothing there for now',
  'Nothing is sent any more; what happens is kept for it until it is enabled again or removed.',
  (client, id, why) => client.disableWebhook(id, why),
)

const remove: Command = {
  name: 'webhooks remove',
  operands: 'ID',
  summary: 'forget an endpoint, with all that waits for it',
  about: 'Forgets an endpoint, its secret and its deliveries for good.',
  examples: ['quittance webhooks remove whe_01JD4Z0M8QW3R5T7V9X1B2C4D6'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const { id } = expectOk(await client.removeWebhook(words.operands[0] ?? ''))
    terminal.out(words.is('json') ? JSON.stringify({ removed: id }) : `${id} is removed.`)
    return exitCodes.ok
  },
}

const statuses = ['pending', 'delivered', 'dead'] as const

const deliveries: Command = {
  name: 'webhooks deliveries',
  operands: 'ID',
  summary: 'what became of each event there, newest first',
  about: `
Lists deliveries with the answer to the last try. "dead" ones were not taken within a day; they are kept
and can be replayed.`,
  examples: ['quittance webhooks deliveries whe_01JD4Z0M8QW3R5T7V9X1B2C4D6 --status dead'],
  options: {
    ...remoteOptions,
    status: { value: statuses.join('|'), what: 'only these' },
    payment: { value: 'ID', what: 'of this payment only' },
    ...pageOptions,
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const [status, payment] = [statusOf(words), words.text('payment')]
    const page = expectOk(
      await client.webhookDeliveries(words.operands[0] ?? '', {
        ...pageOf(words),
        ...(status === null ? {} : { status }),
        ...(payment === null ? {} : { payment }),
      }),
    )
    return printPage(page, words, terminal, 'deliveries', (data) =>
      deliveryTable(data, terminal.style),
    )
  },
}

function statusOf(words: Words): WebhookDelivery['status'] | null {
  const given = words.text('status')
  const status = statuses.find((each) => each === given)
  if (given === null || status !== undefined) return status ?? null
  throw usageError(`--status is "${given}"; it must be ${statuses.join(', ')}.`)
}

/** Which events are meant: of webhooks and of publishers. */
export const replayOptions: Readonly<Record<string, Option>> = {
  payment: { value: 'ID', what: 'all that happened to this payment' },
  from: { value: 'TIME', what: 'what happened from then on, with --to' },
  to: { value: 'TIME', what: 'what happened before then' },
  dead: { what: 'all dead letters' },
  reason: reasonOption,
}

function replayOf(words: Words): ReplayRequest {
  const [payment, from, to] = ['payment', 'from', 'to'].map((name) => words.text(name))
  const span = from != null && to != null
  const named = [payment != null, span, words.is('dead'), words.text('delivery') !== null]
  if (named.filter(Boolean).length !== 1 || (from == null) !== (to == null)) {
    throw usageError('Say what is meant: --payment ID, --dead, or --from TIME with --to TIME.')
  }
  const delivery = words.integer('delivery', 0, 1, Number.MAX_SAFE_INTEGER)
  const why = reasonOf(words)
  if (payment != null) return { payment, ...why }
  if (span) return { from, to, ...why }
  return words.is('dead') ? { dead_letters: true, ...why } : { delivery, ...why }
}

/** A span of time takes several requests. */
export async function replayAll(
  words: Words,
  terminal: Terminal,
  ask: (what: ReplayRequest) => Promise<ReplayResult>,
): Promise<ExitCode> {
  const what = replayOf(words)
  let [replayed, refused] = [0, 0]
  let cursor: string | null = null
  do {
    const more: { readonly cursor?: string } = cursor === null ? {} : { cursor }
    const done: Extract<ReplayResult, { ok: true }> = expectOk(await ask({ ...what, ...more }))
    replayed += done.replay.replayed
    refused += done.replay.refused
    cursor = done.replay.cursor
    terminal.live(cursor === null ? null : `${replayed} events so far`)
  } while (cursor !== null)
  const left = refused === 0 ? '' : ` ${refused} were refused again.`
  terminal.out(
    words.is('json')
      ? JSON.stringify({ replayed, refused })
      : `${replayed} events are sent again.${left}`,
  )
  return refused === 0 ? exitCodes.ok : exitCodes.failed
}

const replay: Command = {
  name: 'webhooks replay',
  operands: 'ID',
  summary: 'send events to an endpoint once more',
  about: `
Sends events again, under the ids that they had: a receiver that keeps ids drops what it has. What happened
before the endpoint was made is among it.`,
  examples: [
    'quittance webhooks replay whe_01JD4Z0M8QW3R5T7V9X1B2C4D6 --dead',
    'quittance webhooks replay whe_01JD4Z0M8QW3R5T7V9X1B2C4D6 --from 2026-01-31T12:00:00Z --to 2026-01-31T13:00:00Z',
  ],
  options: {
    ...remoteOptions,
    ...replayOptions,
    delivery: { value: 'NUMBER', what: 'this one, as `webhooks deliveries` shows it' },
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const id = words.operands[0] ?? ''
    return replayAll(words, terminal, (what) => client.replayWebhooks(id, what))
  },
}

export const webhookCommands: readonly Command[] = [
  list,
  add,
  rotate,
  enable,
  disable,
  remove,
  deliveries,
  replay,
]
