// The kill switch: everything, one processor, one agent. A switch that is thrown twice stays as it
// was thrown first, and the answer shows by whom.
import { readAgent } from '../engine/agents.ts'
import {
  listProcessors,
  readStopped,
  setPaused,
  setStopped,
  setSuspended,
} from '../engine/control.ts'
import type { ProcessorView } from '../engine/control.ts'
import type { Engine } from '../engine/engine.ts'
import { showAgents } from './agents.ts'
import { exampleAgent } from './examples.ts'
import { actRequest } from './operator-schemas.ts'
import { agentJson, processorJson, processorListJson, stopJson } from './operator-wire.ts'
import type { ProcessorJson, StopJson } from './operator-wire.ts'
import { rfc3339 } from './representation.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Operating, Reply, Route } from './route.ts'
import { noQuery } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchAgent, noSuchProcessor } from './variables.ts'

type Acting = Operating<{ readonly reason: string }>

const actOf = ({ operator, body }: Acting) => ({ by: operator, reason: body.reason })

const sent = (reason: string) => ({ schema: actRequest, example: { reason } })

// ── Everything ───────────────────────────────────────────────────────────────────────────────────

const exampleSwitch = {
  by: 'Olga',
  reason: 'the shop sends every order twice',
  since: '2026-01-31T12:20:00.000Z',
}

const stopDoc = (name: string, summary: string, stopped: StopJson['stopped']) => {
  const example: StopJson = { object: 'stop', stopped }
  return { name, summary, status: 200, answer: stopJson, example }
}

async function showStop(engine: Engine): Promise<Reply> {
  const body: StopJson = { object: 'stop', stopped: switchJson(await readStopped(engine)) }
  return ok(200, body)
}

function switchJson(row: ProcessorView['control']): StopJson['stopped'] {
  if (row === null || !row.halted) return null
  return { by: row.by, reason: row.reason, since: rfc3339(row.atMs) }
}

const readStop = operatorRead(
  '/v1/stop',
  stopDoc('readStop', 'Is everything stopped?', null),
  noQuery,
  ({ engine }) => showStop(engine),
)

async function throwStop(given: Acting, stopped: boolean): Promise<Reply> {
  const { engine } = given
  const thrown = await setStopped(engine, stopped, actOf(given))
  return thrown.result === 'rejected' ? thrown : showStop(engine)
}

const stop = operatorPost(
  '/v1/stop',
  stopDoc('stop', 'No new payments, and no call that moves money, until a start', exampleSwitch),
  sent(exampleSwitch.reason),
  (given) => throwStop(given, true),
)

const start = operatorPost(
  '/v1/start',
  stopDoc('start', 'Payments go on from where they stand', null),
  sent('the shop is mended'),
  (given) => throwStop(given, false),
)

// ── One processor ────────────────────────────────────────────────────────────────────────────────

const exampleProcessor: ProcessorJson = {
  object: 'processor',
  name: 'simulated',
  account: 'acct_sim',
  livemode: false,
  paused: null,
  breaker: {
    state: 'open',
    reason: 'failures',
    since: '2026-01-31T12:19:50.000Z',
    next_probe_at: '2026-01-31T12:20:20.000Z',
    recent_failures: 12,
  },
}

function toProcessorJson({ name, processor, control, breaker }: ProcessorView): ProcessorJson {
  const { processorAccount, livemode } = processor.binding
  return {
    object: 'processor',
    name,
    account: processorAccount,
    livemode,
    paused: switchJson(control),
    breaker: breaker === null ? null : breakerJson(breaker),
  }
}

function breakerJson(breaker: NonNullable<ProcessorView['breaker']>): ProcessorJson['breaker'] {
  const { state, reason, openedAtMs, closedAtMs, probeAtMs, recent } = breaker
  const sinceMs = state === 'closed' ? closedAtMs : openedAtMs
  return {
    state,
    reason,
    since: sinceMs === null ? null : rfc3339(sinceMs),
    next_probe_at: state !== 'open' || probeAtMs === null ? null : rfc3339(probeAtMs),
    recent_failures: recent.filter(({ bad }) => bad).length,
  }
}

const processors = operatorRead(
  '/v1/processors',
  {
    name: 'listProcessors',
    summary: 'The configured processors: are they paused, and how is their breaker?',
    status: 200,
    answer: processorListJson,
    example: { object: 'list', data: [exampleProcessor] },
  },
  noQuery,
  async ({ engine }) => {
    const all = await listProcessors(engine)
    return ok(200, { object: 'list', data: all.map(toProcessorJson) })
  },
)

const processorDoc = (name: string, summary: string, paused: ProcessorJson['paused']) => ({
  name,
  summary,
  status: 200,
  answer: processorJson,
  example: { ...exampleProcessor, paused },
})

async function throwPause(given: Acting, paused: boolean): Promise<Reply> {
  const { engine, id: name } = given
  const thrown = await setPaused(engine, name, paused, actOf(given))
  if (thrown.result === 'rejected') return thrown
  const shown = (await listProcessors(engine)).find((each) => each.name === name)
  return shown === undefined ? noSuchProcessor : ok(200, toProcessorJson(shown))
}

const pause = operatorPost(
  '/v1/processors/{name}/pause',
  processorDoc('pauseProcessor', 'No call that moves money goes to this processor', {
    ...exampleSwitch,
    reason: 'their status page is red',
  }),
  sent('their status page is red'),
  (given) => throwPause(given, true),
)

const resume = operatorPost(
  '/v1/processors/{name}/resume',
  processorDoc('resumeProcessor', 'Its payments go on from where they stand', null),
  sent('their status page is green'),
  (given) => throwPause(given, false),
)

// ── One agent ────────────────────────────────────────────────────────────────────────────────────

async function throwSuspension(given: Acting, suspended: boolean): Promise<Reply> {
  const { engine, id } = given
  const thrown = await setSuspended(engine, id, suspended, actOf(given))
  if (thrown.result === 'rejected') return thrown
  const agent = await readAgent(engine, id)
  if (agent === null) return noSuchAgent
  const [shown] = await showAgents(engine, [agent])
  return ok(200, shown)
}

const agentDoc = (name: string, summary: string, suspended: boolean) => ({
  name,
  summary,
  status: 200,
  answer: agentJson,
  example: { ...exampleAgent, suspended },
})

const suspend = operatorPost(
  '/v1/agents/{agentId}/suspend',
  agentDoc('suspendAgent', 'It may ask for nothing new, and its payments wait', true),
  sent('its owner does not know what it buys'),
  (given) => throwSuspension(given, true),
)

const resumeAgent = operatorPost(
  '/v1/agents/{agentId}/resume',
  agentDoc('resumeAgent', 'It may ask again, and its payments go on', false),
  sent('its owner has looked'),
  (given) => throwSuspension(given, false),
)

export const controlRoutes: readonly Route[] = [
  readStop,
  stop,
  start,
  processors,
  pause,
  resume,
  suspend,
  resumeAgent,
]
