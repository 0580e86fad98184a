// What AWS asks for each unit that a run counts. On demand, us-east-1, without free tiers, discounts
// by volume or committed use. Source: the pricing page of each service.
import type { Unit } from '../meter.ts'

export const pricesAsOf = '2026'

export interface Price {
  readonly dollars: number
  /** For so many units. */
  readonly per: number
  readonly what: string
}

const million = 1_000_000

export const prices: Readonly<Record<Unit, Price>> = {
  api_requests: { dollars: 3.5, per: million, what: 'API Gateway REST requests' },
  dynamodb_write_units: { dollars: 0.625, per: million, what: 'DynamoDB write units' },
  dynamodb_read_units: { dollars: 0.125, per: million, what: 'DynamoDB read units' },
  state_transitions: { dollars: 25, per: million, what: 'Step Functions Standard transitions' },
  express_requests: { dollars: 1, per: million, what: 'Step Functions Express requests' },
  express_gb_seconds: { dollars: 0.000_016_67, per: 1, what: 'Step Functions Express GB-seconds' },
  lambda_invocations: { dollars: 0.2, per: million, what: 'Lambda invocations' },
  lambda_gb_seconds: { dollars: 0.000_013_333_4, per: 1, what: 'Lambda GB-seconds, arm64' },
  event_entries: { dollars: 1, per: million, what: 'EventBridge events put' },
  queue_requests: { dollars: 0.4, per: million, what: 'SQS requests' },
  sns_requests: { dollars: 0.5, per: million, what: 'SNS requests' },
  schedule_invocations: { dollars: 1, per: million, what: 'EventBridge Scheduler invocations' },
  log_bytes: { dollars: 0.5, per: 2 ** 30, what: 'bytes of logs taken in' },
}

/** What stands there whether somebody pays or not, each month. */
export const monthly: readonly (Price & { readonly resource: string })[] = [
  {
    resource: 'AWS::CloudWatch::Alarm',
    dollars: 0.1,
    per: 1,
    what: 'an alarm (0.30 where its period is below a minute)',
  },
  { resource: 'AWS::CloudWatch::Dashboard', dollars: 3, per: 1, what: 'a dashboard' },
  { resource: 'AWS::KMS::Key', dollars: 1, per: 1, what: 'a key of one’s own' },
  { resource: 'AWS::SecretsManager::Secret', dollars: 0.4, per: 1, what: 'a secret' },
]

/** What a run cannot count, and why it is left out. */
export const notCounted: readonly (readonly [what: string, why: string])[] = [
  [
    'storage of the table, its backups and the archive',
    '$0.25, $0.20 and $0.10 a GB-month: they grow with what is kept, not with what is done',
  ],
  ['reads of the stream by Lambda', 'free'],
  ['asking an empty queue', 'about 650,000 requests a month, $0.26, at any load'],
  [
    'tracing',
    'X-Ray samples one request a second and 5 % of the others: at most $0.25 per million payments',
  ],
  [
    'calls of the key',
    'queues keep a data key for 5 min, the table and the secrets longer: $0.03 per 10,000 calls, which do not grow with payments',
  ],
  ['data out of AWS', '$0.09 a GB; an answer is below 2 KB'],
  ['custom metrics', 'a fixed number, $0.30 each a month'],
]
