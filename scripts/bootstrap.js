// Makes a fresh clone work: every npm script runs this first. It installs what package-lock.json
// lists where that has not been done yet, and does nothing, offline too, where it has. A workspace is
// installed only for scripts that name it: `node scripts/bootstrap.js infra`. Plain JavaScript for the
// machine's own Node (20 or newer); all that follows runs on the `node` that is installed here.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** npm's own note of what it has installed: written last, so a broken install leaves none. */
const installed = join(root, 'node_modules', '.package-lock.json')

/** The folders of the workspaces that the script needs. */
const wanted = process.argv.slice(2)

/** npm writes both files within a few milliseconds, in either order. */
const slackMs = 1000

/** The first Node that runs TypeScript and has `node:sqlite`, both without a flag. */
const oldestNode = 24

if (!isInstalled()) install()
checkNode()

function isInstalled() {
  if (!existsSync(installed)) return false
  const lock = statSync(join(root, 'package-lock.json'))
  if (lock.mtimeMs > statSync(installed).mtimeMs + slackMs) return false
  return wanted.every((folder) => workspacesThere().includes(folder))
}

/** npm's note lists a workspace as a link to its folder; the one to this folder is no workspace. */
function workspacesThere() {
  if (!existsSync(installed)) return []
  const { packages } = JSON.parse(readFileSync(installed, 'utf8'))
  return Object.values(packages)
    .filter(({ link, resolved }) => link === true && Boolean(resolved))
    .map(({ resolved }) => resolved)
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
}

// A user needs no workspace. `npm ci` removes what it is not told of, so that those which are there
// are named again.
function install() {
  console.error('Installing the packages of package-lock.json, once (about half a minute) …')
  const startedAtMs = Date.now()
  const folders = [...new Set([...wanted, ...workspacesThere()])]
  const scope =
    folders.length === 0
      ? ['--workspaces=false']
      : [...folders.map((folder) => `--workspace=${folder}`), '--include-workspace-root']
  const args = ['ci', ...scope, '--include=dev', '--loglevel=error', '--no-progress']
  const [command, first] = npm()
  const { status, error } = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: first.length === 0 && process.platform === 'win32',
  })
  if (status !== 0) {
    fail(`npm ci did not finish${error ? `: ${error.message}` : ''}. Run it by hand to see why.`)
  }
  console.error(`Installed in ${Math.round((Date.now() - startedAtMs) / 1000)} s.`)
}

// The npm that runs this script, on the Node it runs on: `npm ci` replaces the Node in
// node_modules, so that one cannot do it. Under another package manager the npm on PATH.
/** @returns {[string, string[]]} */
function npm() {
  const path = process.env.npm_execpath ?? ''
  if (basename(path) !== 'npm-cli.js') return ['npm', []]
  return [process.env.npm_node_execpath ?? process.execPath, [path]]
}

// npm looks `node` up when it runs the script after this one, and node_modules/.bin comes first.
function checkNode() {
  const underNpm = process.env.npm_lifecycle_event !== undefined
  if (!underNpm || majorOf(process.version) >= oldestNode) return
  const version = spawnSync('node', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  if (majorOf(version) >= oldestNode) return
  fail(
    `Node ${oldestNode} is needed and ${version.trim() || 'none'} was found. The package "node" ` +
      'brings it, but its install script did not run: npm ci --ignore-scripts=false',
  )
}

function majorOf(version) {
  return Number(/^v(\d+)/.exec(version)?.[1] ?? 0)
}

function fail(reason) {
  console.error(`quittance: ${reason}`)
  process.exit(1)
}
