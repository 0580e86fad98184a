// Where the time of the service goes: the same load at 256 agents with V8's sampler on. The shares are
// the profile's; their sum is what the kernel counted, so that other programs on the machine do not
// make a payment look dearer.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { table } from '../src/cli/table.ts'
import { flameGraph } from './flame.ts'
import { load } from './load.ts'
import { partsOf, treeOf } from './parts.ts'
import type { CpuProfile } from './parts.ts'
import { cpuMs, startProcessor, startService, token } from './processes.ts'

const concurrency = 256

/** Measures, writes `flame.svg` into `to`, and says what it found. */
export async function profile(
  folder: string,
  seconds: number,
  to: string,
): Promise<readonly string[]> {
  const profileFolder = join(folder, 'profile')
  await mkdir(profileFolder, { recursive: true })
  const processor = await startProcessor()
  const options = { processorUrl: processor.url, folder: join(folder, 'data'), profileFolder }
  const service = await startService(options)
  const startedMs = await cpuMs(service.pid)
  const measuring = { url: service.url, token, concurrency, warmUpMs: 0 }
  const { all } = await load({ ...measuring, measureMs: seconds * 1000 })
  const usedUs = ((await cpuMs(service.pid)) - startedMs) * 1000
  await service.end('SIGTERM')
  await processor.end('SIGTERM')
  const [file] = await readdir(profileFolder)
  if (file === undefined) throw new Error('the service has left no profile')
  // V8 wrote it, just now.
  const read = JSON.parse(await readFile(join(profileFolder, file), 'utf8')) as CpuProfile
  const root = treeOf(read)
  await mkdir(to, { recursive: true })
  await writeFile(join(to, 'flame.svg'), flameGraph(root, `quittance, ${all} payments`))
  const parts = partsOf(root).filter(([part]) => part !== 'start and loading')
  const sampledUs = parts.reduce((sum, [, us]) => sum + us, 0)
  const rows = parts.map(([part, us]) => {
    const share = us / sampledUs
    return [part, ((share * usedUs) / all).toFixed(0), `${(share * 100).toFixed(1)} %`]
  })
  const right = (title: string) => ({ title, align: 'right' }) as const
  return [
    ...table([{ title: 'PART' }, right('µs A PAYMENT'), right('SHARE')], rows),
    '',
    `${all} payments, ${(usedUs / all).toFixed(0)} µs on a core each; ${join(to, 'flame.svg')}`,
  ]
}
