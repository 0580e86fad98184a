// Installs the package as a user would get it, from its tarball and without our tools, and sees that
// the command answers and every entry point loads. Finds files that are not published, dependencies
// that are only ours, and TypeScript that was left in (Node strips no types inside node_modules).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'quittance-pack-'))

try {
  const tarball = pack()
  install(tarball)
  const help = run(join(folder, 'node_modules', '.bin', 'quittance'), ['--help'])
  assert.match(help, /quittance/, '`quittance --help` does not name itself')
  for (const entry of entryPoints()) {
    run(process.execPath, ['--input-type=module', '--eval', `await import('${entry}')`])
  }
  console.log(`The packed tarball works: quittance --help, ${entryPoints().join(', ')}.`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function pack(): string {
  npm(root, ['pack', '--loglevel=error', '--pack-destination', folder])
  const [tarball] = readdirSync(folder)
  assert.ok(tarball !== undefined, 'npm pack left no tarball')
  return join(folder, tarball)
}

function install(tarball: string): void {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  npm(folder, ['install', '--omit=dev', '--no-fund', '--no-audit', '--loglevel=error', tarball])
}

function entryPoints(): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, unknown>>
  }
  return Object.keys(manifest.exports)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => name.replace('.', 'quittance'))
}

/** On the Node that runs this script, which is not always the machine's own. */
function run(command: string, args: readonly string[]): string {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  return execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function npm(cwd: string, args: readonly string[]): void {
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}
