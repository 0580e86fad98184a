// The door: every route of the code's own table, once for tokens and once for callers with an AWS
// identity. The gateway looks only whether the key is there; everything else is the app's to say.
import { Duration, Stack } from 'aws-cdk-lib'
import * as apigateway from 'aws-cdk-lib/aws-apigateway'
import * as iam from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import type { Construct } from 'constructs'

import { signedPrefix } from '../src/aws/identities.ts'
import { routes } from '../src/http/routes.ts'
import type { Route } from '../src/http/route.ts'
import { addGatewayResponses } from './gateway-responses.ts'
import type { Settled } from './props.ts'

const stageName = 'main'

interface DoorProps {
  readonly settled: Settled
  readonly key: IKey
  readonly authorise: IFunction
  readonly intake: IFunction
  readonly logRetention: logs.RetentionDays
}

export function makeDoor(scope: Construct, props: DoorProps): apigateway.RestApi {
  const { settled, key, logRetention } = props
  const accessLogs = new logs.LogGroup(scope, 'AccessLogs', {
    retention: logRetention,
    encryptionKey: key,
  })
  const api = new apigateway.RestApi(scope, 'Api', {
    description: 'Quittance: payments that happen once or not at all',
    endpointConfiguration: { types: [apigateway.EndpointType.REGIONAL] },
    cloudWatchRole: settled.apiGatewayAccountRole ?? true,
    deployOptions: {
      stageName,
      accessLogDestination: new apigateway.LogGroupLogDestination(accessLogs),
      accessLogFormat: accessLogFormat(),
      loggingLevel: apigateway.MethodLoggingLevel.ERROR,
      // Bodies are payments: they are nobody's log lines.
      dataTraceEnabled: false,
      tracingEnabled: true,
      throttlingRateLimit: settled.limits.doorPerSecond,
      throttlingBurstLimit: settled.limits.doorBurst,
    },
  })
  keepExecutionLogs(api, key, logRetention)
  addRoutes(api, props)
  addGatewayResponses(api)
  addUsagePlan(api, settled)
  if (settled.webAclArn !== undefined) {
    new CfnWebACLAssociation(scope, 'WebAcl', {
      resourceArn: api.deploymentStage.stageArn,
      webAclArn: settled.webAclArn,
    })
  }
  return api
}

// ── Routes ───────────────────────────────────────────────────────────────────────────────────────

function addRoutes(api: apigateway.RestApi, { authorise, intake, settled }: DoorProps): void {
  const authorizer = new apigateway.RequestAuthorizer(api, 'Authoriser', {
    handler: authorise,
    identitySources: [apigateway.IdentitySource.header('Authorization')],
    // A verdict that is kept would let a suspended agent go on for so long.
    resultsCacheTtl: Duration.seconds(0),
  })
  const integration = new apigateway.LambdaIntegration(intake, {
    proxy: true,
    // One permission for the API: a policy of a function ends at 20 KB.
    scopePermissionToMethod: false,
  })
  const keyThere = new apigateway.RequestValidator(api, 'KeyThere', {
    // CDK's classes are not written for exactOptionalPropertyTypes.
    restApi: api as apigateway.IRestApi,
    validateRequestParameters: true,
    validateRequestBody: false,
  })
  const add = (path: string, route: Route, options: apigateway.MethodOptions): void => {
    const keyed = route.headers.includes('idempotency-key')
    api.root.resourceForPath(path).addMethod(route.method, integration, {
      ...options,
      ...(keyed
        ? {
            requestValidator: keyThere,
            requestParameters: { 'method.request.header.Idempotency-Key': true },
          }
        : {}),
    })
  }
  const planned = (settled.usagePlan?.keys ?? []).length > 0
  for (const route of served) {
    if (isOpen(route)) {
      add(route.path, route, { authorizationType: apigateway.AuthorizationType.NONE })
      continue
    }
    const apiKeyRequired = planned && isForAgents(route)
    add(route.path, route, { authorizer, apiKeyRequired })
    if (settled.identities.length === 0 || !hasTwin(route)) continue
    add(`${signedPrefix}${route.path}`, route, {
      authorizationType: apigateway.AuthorizationType.IAM,
      apiKeyRequired,
    })
  }
}

// A test payment is sent from the console, a restored file is recovered by the process that holds it, and a
// batch shares one fsync: these are of one machine. Each route costs resources, of 500: accounts and the life
// of tokens have none left there, where `POST /v1/agents` gives tokens and a provider's tokens end by themselves.
const ofOneMachine = [
  '/v1/sandbox/',
  '/v1/recovery',
  '/v1/payments/batch',
  '/v1/accounts',
  '/v1/agents/{agentId}/tokens',
]

export const served = routes.filter(({ path }) =>
  ofOneMachine.every((start) => !path.startsWith(start)),
)

const hasTwin = (route: Route): boolean => !isOpen(route) && route.path.startsWith('/v1/')

const isOpen = (route: Route): boolean => route.access === 'anyone'

export const isForAgents = (route: Route): boolean =>
  route.access === 'agent' || route.access === 'agent or operator'

export const isForOperators = (route: Route): boolean => route.access.includes('operator')

// ── Plan, logs ───────────────────────────────────────────────────────────────────────────────────

// Without keys the plan binds nobody; the stage's own throttle binds everybody.
function addUsagePlan(api: apigateway.RestApi, { usagePlan, limits }: Settled): void {
  const plan = api.addUsagePlan('AgentPlan', {
    description: 'What callers with a key of this plan may ask for',
    // As above.
    apiStages: [{ api: api as apigateway.IRestApi, stage: api.deploymentStage }],
    throttle: {
      rateLimit: usagePlan?.perSecond ?? limits.doorPerSecond,
      burstLimit: usagePlan?.burst ?? limits.doorBurst,
    },
    ...(usagePlan?.perDay === undefined
      ? {}
      : { quota: { limit: usagePlan.perDay, period: apigateway.Period.DAY } }),
  })
  for (const name of usagePlan?.keys ?? []) plan.addApiKey(api.addApiKey(`Key-${name}`))
}

// Ids, times and codes: no address, no token, no body.
function accessLogFormat(): apigateway.AccessLogFormat {
  const { AccessLogField: field } = apigateway
  return apigateway.AccessLogFormat.custom(
    JSON.stringify({
      request_id: field.contextRequestId(),
      trace: field.contextXrayTraceId(),
      at: field.contextRequestTimeEpoch(),
      method: field.contextHttpMethod(),
      route: field.contextResourcePath(),
      status: field.contextStatus(),
      latency_ms: field.contextResponseLatency(),
      behind_ms: field.contextIntegrationLatency(),
      refused: field.contextErrorResponseType(),
      caller: field.contextAuthorizerPrincipalId(),
    }),
  )
}

// API Gateway would make this group itself, without a key, and keep it for ever.
function keepExecutionLogs(
  api: apigateway.RestApi,
  encryptionKey: IKey,
  retention: logs.RetentionDays,
): void {
  const group = new logs.LogGroup(api, 'ExecutionLogs', {
    logGroupName: `API-Gateway-Execution-Logs_${api.restApiId}/${stageName}`,
    retention,
    encryptionKey,
  })
  api.deploymentStage.node.addDependency(group)
}

// ── Callers with an AWS identity ─────────────────────────────────────────────────────────────────

/** Attach it to the role of an agent, or of an operator: their routes, and nothing else. */
export function makeCallerPolicy(
  scope: Construct,
  id: string,
  api: apigateway.RestApi,
  mine: (route: Route) => boolean,
): iam.ManagedPolicy {
  const arn = ({ method, path }: Route): string =>
    Stack.of(scope).formatArn({
      service: 'execute-api',
      resource: api.restApiId,
      resourceName: `${stageName}/${method}${signedPrefix}${path.replace(/\{\w+\}/g, '*')}`,
    })
  const twins = served.filter(hasTwin)
  const theirs = twins.filter(mine)
  // In a policy a star stands for slashes, too: `payments/*` is everything below it as well.
  const caught = twins.filter(
    (route) => !mine(route) && theirs.some((each) => patternOf(each).test(exampleOf(route))),
  )
  return new iam.ManagedPolicy(scope, id, {
    description: 'Attach it to a role: its routes of Quittance, and nothing else',
    document: new iam.PolicyDocument({
      statements: [
        new iam.PolicyStatement({
          sid: 'TheirRoutes',
          actions: ['execute-api:Invoke'],
          resources: theirs.map(arn),
        }),
        ...(caught.length === 0
          ? []
          : [
              new iam.PolicyStatement({
                sid: 'NotTheirs',
                effect: iam.Effect.DENY,
                actions: ['execute-api:Invoke'],
                resources: caught.map(arn),
              }),
            ]),
      ],
    }),
  })
}

const exampleOf = ({ method, path }: Route): string =>
  `${method} ${path.replace(/\{\w+\}/g, 'some-id')}`

const patternOf = ({ method, path }: Route): RegExp =>
  new RegExp(`^${method} ${path.replaceAll('.', '[.]').replace(/\{\w+\}/g, '.*')}$`)
