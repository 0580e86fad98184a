// Builds the console where its sources are newer than what was built: `node console/build.js [FOLDER]`.
// For `npm start` a console that cannot be built is no reason not to pay: `--or-go-on`.
import { globSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const orGoOn = process.argv.includes('--or-go-on')
const asked = process.argv.slice(2).find((word) => !word.startsWith('--'))
const outDir = asked === undefined ? join(here, 'dist') : join(dirname(here), asked)

/** What it shows comes from here; the types of the API among it. */
const sources = ['src/**/*', 'index.html', 'vite.config.ts', 'package.json', '../package-lock.json']

if (isStale()) await build()

function isStale() {
  const builtAtMs = statSync(join(outDir, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const files = globSync(sources, { cwd: here }).map((path) => join(here, path))
  return files.some((path) => statSync(path).mtimeMs > builtAtMs)
}

async function build() {
  const startedAtMs = Date.now()
  try {
    const vite = await import('vite')
    const configFile = join(here, 'vite.config.ts')
    await vite.build({ configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } })
    console.error(`Built the console in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s.`)
  } catch (error) {
    console.error(
      `quittance: the console was not built: ${error instanceof Error ? error.message : String(error)}`,
    )
    if (!orGoOn) process.exitCode = 1
  }
}
