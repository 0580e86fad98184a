// Alerts to people by SNS: who subscribes to the topic is theirs to choose.
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'

import type { Sink } from '../ports.ts'
import type { Settings } from './settings.ts'

/** SNS cuts longer subjects off, and refuses line breaks. */
const longestSubject = 100

export function createTopicSink(
  topicArn: string,
  client: Pick<SNSClient, 'send'> = new SNSClient({}),
): Sink {
  return Object.freeze<Sink>({
    name: 'sns',
    async deliver(notice) {
      const { id, alert, status, kind, severity, subject, detail, count, paymentIds } = notice
      const head = `[${severity}] ${status === 'resolved' ? 'over: ' : ''}${notice.title}`
      const message = {
        id,
        alert,
        status,
        kind,
        severity,
        subject,
        detail,
        count,
        payment_ids: paymentIds,
        title: notice.title,
        did: notice.did,
        todo: notice.todo,
        runbook: notice.runbook,
        since: new Date(notice.sinceMs).toISOString(),
      }
      await client.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: head.slice(0, longestSubject),
          Message: JSON.stringify(message, null, 2),
          MessageAttributes: {
            severity: { DataType: 'String', StringValue: severity },
            kind: { DataType: 'String', StringValue: kind },
          },
        }),
      )
      return 'delivered'
    },
  })
}

export const topicSink = (settings: Settings): Sink =>
  createTopicSink(settings.text('ALERT_TOPIC_ARN'))
