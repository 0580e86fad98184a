// Disks that are full or read-only, and a second process on one file: the tests that mount such
// disks run here as they are. Who may not mount gets a name space of their own, in which everybody
// may.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { Mutant } from '../test/mutants/list.ts'
import { preloading } from './preload.ts'

export interface DiskResult {
  readonly passed: number
  readonly skipped: number
  /** Sentences; none: all is well. */
  readonly faults: readonly string[]
}

const suites = [
  'crash/read-only-file.test.ts',
  'test/e2e/disk.test.ts',
  'src/stores/sqlite/disk.test.ts',
  'src/stores/sqlite/lock.test.ts',
]
const withinMs = 120_000

export async function runFullDisk(patches: readonly Mutant[]): Promise<DiskResult> {
  const test = [process.execPath, '--test', '--test-reporter=tap', `--test-timeout=${withinMs}`]
  const [command = '', ...words] = [...ownMounts(), ...test, ...suites]
  const child = spawn(command, words, {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    env: { ...process.env, ...preloading(patches) },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: withinMs,
    killSignal: 'SIGKILL',
  })
  let printed = ''
  child.stdout.on('data', (chunk) => (printed += String(chunk)))
  await once(child, 'close')
  return readTap(printed)
}

function ownMounts(): readonly string[] {
  const own = ['unshare', '--user', '--map-root-user', '--mount']
  if (process.getuid?.() === 0) return []
  return spawnSync(own[0] ?? '', [...own.slice(1), 'true']).status === 0 ? own : []
}

export function readTap(text: string): DiskResult {
  const count = (name: string): number =>
    Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  const failed = [...text.matchAll(/^ *not ok \d+ - (.*)$/gm)].map(([, name = '']) => name)
  const silent = count('pass') === 0 ? ['the tests of full disks did not run'] : []
  return { passed: count('pass'), skipped: count('skipped'), faults: [...failed, ...silent] }
}
