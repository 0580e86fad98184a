// The list of routes. The app serves it, the OpenAPI document describes it, and nothing else is there.
import { metricsRoutes } from './metrics.ts'
import { describing, openRoutes } from './open-routes.ts'
import { operatorRoutes } from './operators.ts'
import { agentRoutes } from './payments.ts'
import type { Route } from './route.ts'

export const routes: readonly Route[] = [
  ...agentRoutes,
  ...operatorRoutes,
  ...openRoutes,
  ...metricsRoutes,
  // Loaded only when it is asked for: payments do not need it.
  describing(async () => (await import('./openapi.ts')).describe(routes)),
]
