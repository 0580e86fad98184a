// Makes the template with the pinned `cdk`, as a deployment would, into a folder of its own.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export type Workflow = 'standard' | 'express'

const root = join(import.meta.dirname, '..', '..', '..')
const infra = join(root, 'infra')

const folderOf = (workflow: Workflow): string =>
  join(import.meta.dirname, '..', 'cdk.out', workflow)

export const templateOf = (workflow: Workflow): string => {
  const file = join(folderOf(workflow), 'Quittance.template.json')
  if (!existsSync(file)) synthesise(workflow)
  return file
}

/** About ten seconds. */
export function synthesise(workflow: Workflow): void {
  const folder = folderOf(workflow)
  rmSync(folder, { recursive: true, force: true })
  const bins = [join(infra, 'node_modules', '.bin'), join(root, 'node_modules', '.bin')]
  const path = [...bins, process.env['PATH'] ?? ''].join(delimiter)
  const { status, stderr, error } = spawnSync(
    'cdk',
    ['synth', '--quiet', '--output', folder, '--context', `workflow=${workflow}`],
    { cwd: infra, env: { ...process.env, PATH: path }, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`cdk synth: ${error?.message ?? stderr}`)
}
