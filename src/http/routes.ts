// The list of routes. The app serves it, the OpenAPI document describes it, and nothing else is there.
import { batchRoutes } from './batch.ts'
import { callbackRoutes } from './callback.ts'
import { consoleActRoutes } from './console-acts.ts'
import { searchRoutes } from './console-search.ts'
import { feedRoutes } from './feed.ts'
import { jwksRoutes } from './jwks.ts'
import { mcpRoutes } from './mcp.ts'
import { metricsRoutes } from './metrics.ts'
import { describing, openRoutes } from './open-routes.ts'
import { operatorRoutes } from './operators.ts'
import { agentRoutes } from './payments.ts'
import { receiptRoutes } from './receipts.ts'
import { recoveryRoutes } from './recovery.ts'
import { redactRoutes } from './redact.ts'
import { publisherRoutes } from './publishers.ts'
import type { Route } from './route.ts'
import { webhookRoutes } from './webhook-endpoints.ts'

export const routes: readonly Route[] = [
  ...agentRoutes,
  ...batchRoutes,
  ...operatorRoutes,
  ...feedRoutes,
  ...webhookRoutes,
  ...callbackRoutes,
  ...publisherRoutes,
  ...openRoutes,
  ...searchRoutes,
  ...consoleActRoutes,
  ...metricsRoutes,
  ...mcpRoutes,
  ...receiptRoutes,
  ...redactRoutes,
  ...recoveryRoutes,
  ...jwksRoutes,
  // Loaded only when it is asked for: payments do not need it.
  describing(async () => (await import('./openapi.ts')).describe(routes)),
]
