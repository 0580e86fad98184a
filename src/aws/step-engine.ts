// The engine of a function that calls one processor, with the key that only such functions may read.
import type { Processor } from '../ports.ts'
import { openSimulatedProcessor } from '../processors/simulated/simulated.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { createSecrets } from './secrets.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { topicSink } from './topic.ts'

const readSecret = createSecrets()
let opened: {
  readonly key: string
  readonly made: Promise<AwsEngine>
} | null = null

/** One engine for as long as the key is the same. */
export async function engineFor(settings: Settings): Promise<AwsEngine> {
  const key = await readSecret(settings.text('PROCESSOR_SECRET_ARN'))
  if (opened?.key !== key) {
    void opened?.made.then(closeProcessors).catch(() => undefined)
    opened = { key, made: open(settings, key) }
  }
  return opened.made.catch((error: unknown) => {
    opened = null
    throw error
  })
}

// An instance serves one invocation at a time: nobody uses the old key's connections any more.
async function closeProcessors({ engine }: AwsEngine): Promise<void> {
  for (const processor of engine.processors.values()) await processor.close()
}

async function open(settings: Settings, apiKey: string): Promise<AwsEngine> {
  const name = settings.text('PROCESSOR')
  const given = settings.json<Record<string, ProcessorSettings>>('PROCESSORS')[name]
  if (given === undefined) throw new Error(`there is no processor ${name}`)
  const installation = settings.text('INSTALLATION')
  const processor = await calledProcessor(name, given, { apiKey, installation })
  const processors = new Map([[name, processor]])
  return openEngine({ settings, processors, sink: topicSink(settings) })
}

function calledProcessor(
  name: string,
  { url, account, absenceAfterMs }: ProcessorSettings,
  { apiKey, installation }: { readonly apiKey: string; readonly installation: string },
): Promise<Processor> {
  return openSimulatedProcessor({
    name,
    url,
    apiKey,
    installation,
    known: account,
    // One call at a time; a second connection lets a look-up not wait for a call that hangs.
    connections: 2,
    capabilities: absenceAfterMs === undefined ? {} : { absenceAfterMs },
  })
}
