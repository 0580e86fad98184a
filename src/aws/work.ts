// The work queue: which payment is to be driven, in which run, by whose state machine.
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'

import type { FactType, PaymentEvent } from '../core/payment.ts'

export interface Work {
  readonly paymentId: string
  readonly run: number
  readonly processor: string
  /** The event that asks for it; a run that was raised needs none. */
  readonly seq: number | null
  /** Its messages wait for nobody else's. */
  readonly agent: string
}

/**
 * What comes from outside of a run, so that nobody drives it yet. Evidence from outside (webhooks) makes
 * the payment due, and the sweep finds it.
 */
const drivingFacts: ReadonlySet<FactType> = new Set<FactType>([
  'claimed',
  'approved',
  'capture_requested',
  'void_requested',
  'refund_requested',
  'redriven',
  'resolved',
])

export const drives = ({ type }: Pick<PaymentEvent, 'type'>): boolean => drivingFacts.has(type)

export interface WorkQueue {
  /** Which of them the queue has taken, in their order. */
  readonly send: (work: readonly Work[]) => Promise<readonly boolean[]>
}

const mostMessages = 10

export function openWorkQueue(
  url: string,
  client: Pick<SQSClient, 'send'> = new SQSClient({}),
): WorkQueue {
  return Object.freeze<WorkQueue>({
    async send(work) {
      const taken: boolean[] = []
      for (let from = 0; from < work.length; from += mostMessages) {
        taken.push(...(await sendPage(client, url, work.slice(from, from + mostMessages))))
      }
      return taken
    },
  })
}

async function sendPage(
  client: Pick<SQSClient, 'send'>,
  url: string,
  work: readonly Work[],
): Promise<readonly boolean[]> {
  try {
    const { Successful } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: work.map((each, place) => ({
          Id: String(place),
          MessageBody: toMessage(each),
          // On a standard queue: whose backlog it is, so that others are served beside it.
          MessageGroupId: each.agent,
        })),
      }),
    )
    const taken = new Set(Successful?.map(({ Id }) => Id))
    return work.map((_, place) => taken.has(String(place)))
  } catch {
    return work.map(() => false)
  }
}

const toMessage = ({ paymentId, run, processor, seq, agent }: Work): string =>
  JSON.stringify({ payment_id: paymentId, run, processor, seq, agent })

/** `null`: no message of ours. */
export function fromMessage(body: string): Work | null {
  try {
    // Written by `toMessage`; checked, because anybody may put a message into a queue by hand.
    const {
      payment_id: paymentId,
      run,
      processor,
      seq = null,
      agent = '',
    } = JSON.parse(body) as Record<string, unknown>
    const isWork =
      typeof paymentId === 'string' &&
      /^pay_[0-9A-Z]{26}$/.test(paymentId) &&
      Number.isSafeInteger(run) &&
      typeof processor === 'string' &&
      (seq === null || Number.isSafeInteger(seq))
    if (!isWork) return null
    const number = seq === null ? null : Number(seq)
    return { paymentId, run: Number(run), processor, seq: number, agent: String(agent) }
  } catch {
    return null
  }
}
