// Endpoints, deliveries and publishers as tables.
import type { WebhookDelivery, WebhookEndpoint, PublisherStatus } from '../client/index.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'

type Style = Terminal['style']

export function endpointTable(
  endpoints: readonly WebhookEndpoint[],
  style: Style,
): readonly string[] {
  return table(
    [
      { title: 'ID' },
      { title: 'STATUS' },
      { title: 'PENDING', align: 'right' },
      { title: 'DEAD', align: 'right' },
      { title: 'FOR' },
      { title: 'EVENTS' },
      { title: 'URL' },
    ],
    endpoints.map((each) => [
      each.id,
      statusOf(each, style),
      String(each.pending),
      each.dead === 0 ? '0' : style('red', String(each.dead)),
      [each.account, each.agent].filter((name) => name !== null).join('/') || 'all',
      each.events.length === 0 ? 'all' : each.events.join(','),
      each.url,
    ]),
  )
}

function statusOf({ status, reason, failing_since: failing }: WebhookEndpoint, style: Style) {
  if (status === 'disabled') return style('red', `disabled (${reason ?? 'operator'})`)
  if (status === 'waiting') return style('yellow', 'waiting')
  return failing === null ? 'enabled' : style('yellow', 'failing')
}

export function deliveryTable(
  deliveries: readonly WebhookDelivery[],
  style: Style,
): readonly string[] {
  return table(
    [
      { title: 'NUMBER', align: 'right' },
      { title: 'STATUS' },
      { title: 'TRIES', align: 'right' },
      { title: 'LAST' },
      { title: 'NEXT OR ENDED' },
      { title: 'TYPE' },
      { title: 'PAYMENT' },
    ],
    deliveries.map((each) => {
      const last = each.tries.at(-1)
      return [
        String(each.number),
        each.status === 'dead' ? style('red', 'dead') : each.status,
        String(each.attempts),
        last === undefined ? '' : (last.error ?? String(last.status)),
        each.next_attempt_at ?? each.ended_at ?? '',
        each.type,
        `${each.payment_id}/${each.seq}`,
      ]
    }),
  )
}

export function publisherTable(
  publishers: readonly PublisherStatus[],
  style: Style,
): readonly string[] {
  return table(
    [
      { title: 'PUBLISHER' },
      { title: 'LAG', align: 'right' },
      { title: 'DEAD LETTERS', align: 'right' },
    ],
    publishers.map(({ name, lag_seconds: lag, dead_letters: dead }) => [
      name,
      lag > 60 ? style('red', `${lag} s`) : `${lag} s`,
      dead === 0 ? '0' : style('red', String(dead)),
    ]),
  )
}
