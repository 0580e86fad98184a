// Keeps one publisher supplied with events, each publisher at its own pace.
import type { Engine } from '../engine/engine.ts'
import { relay } from '../engine/relay.ts'
import type { Publisher } from '../ports.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'

const pageSize = 500
const restMs = 200

export function startRelay(engine: Engine, publisher: Publisher): Repeating {
  return repeat(async () => (await relay(engine, publisher, pageSize)).delivered, restMs)
}
