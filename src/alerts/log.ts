// Alerts as lines of the log, for whoever watches it. Always there; the others are besides.
import type { LogEntry } from '../engine/log.ts'
import type { Sink } from '../ports.ts'

export function createLogSink(log: (entry: LogEntry) => void): Sink {
  return Object.freeze<Sink>({
    name: 'log',
    async deliver(notice) {
      const { id, status, kind, severity, subject, detail, count, paymentIds } = notice
      const { title, did, todo, runbook, sinceMs } = notice
      log({
        level: 'alert',
        kind,
        status,
        severity,
        subject,
        detail,
        count,
        payment_ids: paymentIds.join(' '),
        title,
        did,
        todo,
        runbook,
        since: new Date(sinceMs).toISOString(),
        id,
      })
      return 'delivered'
    },
  })
}
