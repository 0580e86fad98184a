// How the glue sends messages: queues by ARN, as rules, schedules and destinations name them.
import type { Broker } from './aws/broker.ts'
import { wordOf } from './json.ts'
import type { JsonObject } from './json.ts'
import type { Meter } from './meter.ts'
import { accountId } from './template/names.ts'
import type { Template } from './template/template.ts'

export interface Office {
  readonly send: (queueArn: string, body: string, attributes?: JsonObject) => Promise<void>
  /** By the beginning of the queue's logical id. */
  readonly sendTo: (prefix: string, body: string) => Promise<void>
  readonly messagesIn: (prefix: string) => number
}

export const urlOfQueue = (queueArn: string): string =>
  `http://queue/${accountId}/${queueArn.split(':').at(-1)}`

export function createOffice(template: Template, broker: Broker, meter: Meter): Office {
  const nameOf = (prefix: string): string => {
    const found = template.ofType('AWS::SQS::Queue').filter(({ id }) => id.startsWith(prefix))
    const [queue] = found
    if (queue === undefined || found.length > 1) throw new Error(`${found.length} × ${prefix}…`)
    return wordOf(queue.properties['QueueName'] ?? queue.id)
  }
  const send: Office['send'] = async (queueArn, body, attributes = {}) => {
    meter.add('queue_requests', 'aws.SendMessage')
    await broker.queue('SendMessage', {
      QueueUrl: urlOfQueue(queueArn),
      MessageBody: body,
      MessageAttributes: attributes,
    })
  }
  return Object.freeze({
    send,
    sendTo: async (prefix: string, body: string) => send(`:${nameOf(prefix)}`, body),
    messagesIn: (prefix: string) => {
      const seen = broker.server.inspectQueue(nameOf(prefix))
      if (seen === undefined) throw new Error(`there is no queue ${prefix}…`)
      const { ready, delayed, inflight } = seen.messages
      return ready.length + delayed.length + inflight.length
    },
  })
}
