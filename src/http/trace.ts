// The engine of one request: what it logs and sounds names the request's trace. What it only wakes (a
// driver) works for the payment from then on; those lines are found by the payment's id.
import type { Engine } from '../engine/engine.ts'

export function traced(engine: Engine, traceId: string): Engine {
  const { log, alarm } = engine
  return {
    ...engine,
    log: (entry) => log({ ...entry, trace_id: traceId }),
    alarm: (raised) => alarm({ ...raised, traceId }),
  }
}
