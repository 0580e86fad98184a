// What a deployment can choose. Everything but the processors has a default that is safe.
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { ITopic } from 'aws-cdk-lib/aws-sns'

import type { IamCaller } from '../src/aws/identities.ts'
import { defaultJwt, jwtFault } from '../src/core/access.ts'
import type { JwtSettings } from '../src/core/access.ts'
import type { Workflow } from '../src/aws/state-machine.ts'

export interface QuittanceProps {
  /** By name, as mandates and payments say it: small letters, digits and `_`. */
  readonly processors: Readonly<Record<string, ProcessorProps>>
  /** Express costs a third and keeps no history of its runs; the store is the guard for both. */
  readonly workflow?: Workflow
  readonly limits?: Partial<Limits>
  readonly alarms?: AlarmProps
  /** How often each processor's books are compared with ours (0: only when asked), and how far back. */
  readonly reconcile?: Partial<ReconcileProps>
  /** Of every log group. */
  readonly logRetention?: RetentionDays
  /** How long every event can be replayed from the bus's archive. */
  readonly archiveDays?: number
  /** One that is given must have the statements of `keyStatements`; CDK cannot add them to it. */
  readonly encryptionKey?: IKey
  readonly vpc?: VpcProps
  readonly usagePlan?: UsagePlanProps
  /** Roles of this account that sign their requests; with any, there are routes for them below `/aws`. */
  readonly identities?: readonly IamCaller[]
  /** An identity provider whose tokens are taken besides our own: `sub` is the id of an agent. */
  readonly jwt?: JwtProps
  /** A web ACL of AWS WAF, regional, in the same account. */
  readonly webAclArn?: string
  /** May the simulated processor be used where others can reach it? No money moves there. */
  readonly sandbox?: boolean
  /** Who we are at the processors, for good. Left out: the UUID of the stack. */
  readonly installation?: string
  /** Raised by one at each restore, so that no execution has the name of an earlier one. */
  readonly epoch?: number
  /** Nothing is dispatched, relayed or swept; the door is open for reads and claims. */
  readonly paused?: boolean
  /** A table that was restored takes the place of the construct's own. */
  readonly restoredTable?: { readonly arn: string; readonly streamArn: string }
  /**
   * API Gateway writes logs with one role per account and region. `false`: the account has one.
   */
  readonly apiGatewayAccountRole?: boolean
}

export interface ProcessorProps {
  readonly kind: 'simulated'
  readonly url: string
  /** The account at the processor; a payment is bound to it. */
  readonly account: { readonly id: string; readonly livemode: boolean }
  /** Read by this processor's step function and nothing else. Left out: made, empty. */
  readonly secret?: ISecret
  /** What its webhooks are signed with; read by intake only. Left out: made, empty. */
  readonly webhookSecret?: ISecret
  /** Calls a second that it may be sent, and how many may go at once after a rest. */
  readonly rate?: { readonly perSecond: number; readonly burst: number }
  readonly callTimeoutMs?: number
  readonly absenceAfterMs?: number
}

export interface Limits {
  /** Requests a second that the door lets in, all callers together, and how many at once. */
  readonly doorPerSecond: number
  readonly doorBurst: number
  /** Of one agent: `25/50`, calls a second and how many may go at once after a rest, or `off`. */
  readonly agentRate: string
  /** Concurrent executions: a ceiling for intake, kept free for the others. */
  readonly intake: number
  readonly relay: number
  readonly dispatch: number
  /** Of each processor's step function. */
  readonly step: number
}

/**
 * An account starts with 1,000 concurrent executions (some with 10) and must keep 100 unreserved:
 * these leave room for four processors.
 */
const defaultLimits: Limits = {
  doorPerSecond: 500,
  doorBurst: 1000,
  agentRate: '100/200',
  intake: 200,
  relay: 20,
  dispatch: 10,
  step: 100,
}

export interface AlarmProps {
  /** Left out: a topic is made. One that is given must let CloudWatch publish. */
  readonly topic?: ITopic
  readonly email?: string
  readonly thresholds?: Partial<Thresholds>
  /** The page with a heading for each alarm. */
  readonly runbookUrl?: string
}

export interface Thresholds {
  /** A send of which nobody knows whether it happened. */
  readonly unknownSeconds: number
  /** An event that a publisher has not taken. */
  readonly outboxSeconds: number
  /** A payment whose next step is due. */
  readonly overdueSeconds: number
  readonly iteratorAgeSeconds: number
  /** Since a processor's books were compared to their end; where it is done less often, three times that. */
  readonly reconciledSeconds: number
  /** Answers of 5xx a minute at the door. */
  readonly serverErrors: number
  /** Throttled invocations in five minutes. */
  readonly throttles: number
}

const defaultThresholds: Thresholds = {
  unknownSeconds: 900,
  outboxSeconds: 60,
  overdueSeconds: 120,
  iteratorAgeSeconds: 60,
  reconciledSeconds: 10_800,
  serverErrors: 5,
  throttles: 10,
}

export type JwtProps = Pick<JwtSettings, 'jwksUrl' | 'issuer' | 'audience'> & Partial<JwtSettings>

export interface ReconcileProps {
  readonly everyMinutes: number
  readonly days: number
}

/** As on one machine. */
const defaultReconcile: ReconcileProps = { everyMinutes: 60, days: 10 }

export interface VpcProps {
  readonly vpc: IVpc
  readonly subnets?: SubnetSelection
  readonly securityGroups?: readonly ISecurityGroup[]
}

export interface UsagePlanProps {
  readonly perSecond: number
  readonly burst: number
  readonly perDay?: number
  /** An API key for each; with any, agents' routes want an `x-api-key` beside the token. */
  readonly keys?: readonly string[]
}

/** Safe defaults for what is left out. */
export function withDefaults(props: QuittanceProps) {
  const names = Object.keys(props.processors)
  const [wrong] = names.filter((name) => !/^[a-z][a-z0-9_]{0,31}$/.test(name))
  if (wrong !== undefined) {
    throw new Error(`A processor is called ${wrong}: small letters, digits and _ only.`)
  }
  if (names.length === 0) throw new Error('Quittance needs at least one processor.')
  const jwt = props.jwt === undefined ? null : { ...defaultJwt, ...props.jwt }
  const fault = jwt === null ? null : jwtFault(jwt)
  if (fault !== null) throw new Error(`The jwt of Quittance: ${fault}`)
  const reconcile = { ...defaultReconcile, ...props.reconcile }
  return {
    ...props,
    jwt,
    reconcile,
    workflow: props.workflow ?? ('standard' as const),
    identities: props.identities ?? [],
    limits: { ...defaultLimits, ...props.limits },
    thresholds: {
      ...defaultThresholds,
      reconciledSeconds: Math.max(
        defaultThresholds.reconciledSeconds,
        3 * 60 * reconcile.everyMinutes,
      ),
      ...props.alarms?.thresholds,
    },
    runbookUrl: props.alarms?.runbookUrl ?? 'docs/runbooks/README.md',
    archiveDays: props.archiveDays ?? 30,
    epoch: props.epoch ?? 1,
    paused: props.paused ?? false,
    sandbox: props.sandbox ?? false,
  }
}

export type Settled = ReturnType<typeof withDefaults>
