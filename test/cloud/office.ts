// How the glue sends messages: queues by ARN, as rules, schedules and destinations name them.
import type { Broker } from './aws/broker.ts'
import { wordOf } from './json.ts'
import type { JsonObject } from './json.ts'
import type { Meter } from './meter.ts'
import { accountId } from './template/names.ts'
import type { Template } from './template/template.ts'

export interface Office {
  readonly send: (queueArn: string, body: string, attributes?: JsonObject) => Promise<void>
  readonly messagesIn: (prefix: string) => number
}

export const urlOfQueue = (queueArn: string): string =>
  `http://queue/${accountId}/${queueArn.split(':').at(-1)}`

export function createOffice(template: Template, broker: Broker, meter: Meter): Office {
  return Object.freeze({
    send: async (queueArn: string, body: string, attributes: JsonObject = {}) => {
      meter.add('queue_requests', 'aws.SendMessage')
      await broker.queue('SendMessage', {
        QueueUrl: urlOfQueue(queueArn),
        MessageBody: body,
        MessageAttributes: attributes,
      })
    },
    messagesIn: (prefix: string) => {
      const found = template.ofType('AWS::SQS::Queue').filter(({ id }) => id.startsWith(prefix))
      const [queue] = found
      if (queue === undefined || found.length > 1) throw new Error(`${found.length} × ${prefix}…`)
      const seen = broker.server.inspectQueue(wordOf(queue.properties['QueueName'] ?? queue.id))
      if (seen === undefined) throw new Error(`there is no queue ${queue.id}`)
      const { ready, delayed, inflight } = seen.messages
      return ready.length + delayed.length + inflight.length
    },
  })
}
