// What this process measures, for a Prometheus that has an operator's token. Text, not JSON: the one
// answer that is not ours to shape.
import * as z from 'zod'

import { reject } from '../core/rejections.ts'
import { operatorRead } from './route.ts'
import type { Route } from './route.ts'
import { noQuery } from './schemas.ts'

const contentType = 'text/plain; version=0.0.4; charset=utf-8'

const metrics = operatorRead(
  '/metrics',
  {
    name: 'readMetrics',
    summary: 'Metrics of this process, in the text format of Prometheus',
    status: 200,
    contentType,
    answer: z.string(),
    example: '# TYPE quittance_dead_letters gauge\nquittance_dead_letters 0\n',
  },
  noQuery,
  async ({ x: { service } }) =>
    service.metrics === undefined
      ? { rejection: reject('not_found', 'This process keeps no metrics.') }
      : { status: 200, body: await service.metrics(), headers: { 'content-type': contentType } },
)

export const metricsRoutes: readonly Route[] = [metrics]
