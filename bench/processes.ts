// The processes of a measurement, and what the kernel says they used.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { startChild } from '../src/cli/children.ts'
import type { Child } from '../src/cli/children.ts'

export const token = 'bench_agent_token_0123456789'
export const operatorToken = `operator_${token}`

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export function startProcessor(): Promise<Child> {
  return startChild({ program: path('processor.ts'), args: [], settings: {} })
}

export type Rival = 'no-store' | 'bare' | 'plain'

export function startRival(kind: Rival, processorUrl: string, file: string): Promise<Child> {
  return startChild({ program: path('rivals.ts'), args: [kind, processorUrl, file], settings: {} })
}

export interface ServiceOptions {
  readonly processorUrl: string
  readonly folder: string
  /** Where a profile of it is written when it ends. */
  readonly profileFolder?: string
}

/** The service as a user starts it, on a real file. */
export function startService(options: ServiceOptions): Promise<Child> {
  const { processorUrl, folder, profileFolder } = options
  const profiling = `--cpu-prof --cpu-prof-dir=${profileFolder ?? ''}`
  return startChild({
    program: path('../src/cli/main.ts'),
    args: ['serve'],
    settings: {
      QUITTANCE_PORT: '0',
      QUITTANCE_DATA: folder,
      QUITTANCE_SIMULATOR_URL: processorUrl,
      QUITTANCE_AGENT_TOKEN: token,
      QUITTANCE_OPERATOR_TOKEN: operatorToken,
      // One agent stands for all of them here.
      QUITTANCE_AGENT_RATE: 'off',
      ...(profileFolder === undefined ? {} : { NODE_OPTIONS: profiling }),
    },
  })
}

/** Linux counts the time of a process in hundredths of a second. */
const tickMs = 10

/** Time on a core that the process has used so far: what a busy machine does not change. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold anything: the 12th and 13th are time as user and in the kernel.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

const mebibyte = 1024

/** Memory of a process: now, and the most it ever was. */
export async function memoryMb(
  pid: number,
): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const of = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / mebibyte)
  return { now: of('VmRSS'), peak: of('VmHWM') }
}
