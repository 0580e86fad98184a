// Makes each Lambda function one file, and beside it what it imports only when somebody asks for it (the
// OpenAPI document, the tools of models). Refuses a function that loads too much at its start: that is
// paid for at every cold start.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import type { BuildOptions, Metafile, Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
const outFolder = join(import.meta.dirname, 'build')

export const functionNames = [
  'authorise',
  'intake',
  'relay',
  'dispatch',
  'step',
  'reconcile',
  'sweep',
  'redrive',
  'alerts',
] as const

export type FunctionName = (typeof functionNames)[number]

/** Minified, with the clients of the AWS SDK that it uses: what a start loads, and any one file beside it. */
export const maxBytes = 1_000_000

export const assetFolder = (name: FunctionName): string => join(outFolder, name)

/** Bytes that a start of each loads. The same source gives the same bytes wherever it is made. */
export async function bundle(): Promise<Record<FunctionName, number>> {
  const sizes = await Promise.all(
    functionNames.map(async (name) => [name, await bundleOne(name)] as const),
  )
  // All names are there: the line above is made of them.
  return Object.fromEntries(sizes) as Record<FunctionName, number>
}

export function tooLarge(sizes: Readonly<Record<string, number>>, max = maxBytes): string[] {
  return Object.keys(sizes).filter((name) => (sizes[name] ?? 0) > max)
}

async function bundleOne(name: FunctionName): Promise<number> {
  const { files, startBytes } = await bundleFrom({ entryPoints: { index: `src/aws/${name}.ts` } })
  const folder = assetFolder(name)
  for (const [file, contents] of files) put(folder, file, contents)
  // Of a source that was another one.
  for (const file of readdirSync(folder)) if (!files.has(file)) rmSync(join(folder, file))
  return Math.max(startBytes, ...[...files.values()].map(({ length }) => length))
}

type Source = Pick<BuildOptions, 'entryPoints' | 'stdin'>

export interface Bundled {
  /** By name; those besides the entry are loaded when they are asked for. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** What is loaded before the first line runs. */
  readonly startBytes: number
}

/** One module, as all of them are made. */
export async function bundleFrom(source: Source): Promise<Bundled> {
  const { outputFiles, metafile } = await build({
    ...source,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    outdir: 'build',
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    banner: { js: requireForPackages },
    mainFields: ['module', 'main'],
    legalComments: 'none',
    plugins: [lean],
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]))
  return { files, startBytes: startBytesOf(metafile) }
}

function startBytesOf({ outputs }: Metafile): number {
  const [entry] = Object.keys(outputs).filter((file) => /(index|stdin)[.]mjs$/.test(file))
  if (entry === undefined) throw new Error('Nothing was made.')
  const loaded = new Set([entry])
  for (const file of loaded) {
    for (const { path, kind } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && path in outputs) loaded.add(path)
    }
  }
  return [...loaded].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0)
}

// Packages that are written for `require` still ask for it; the minifier makes no such long name.
const requireForPackages =
  "import{createRequire as createRequireOfBundle}from'node:module';" +
  'const require=createRequireOfBundle(import.meta.url);'

/** Never half of it, and nothing where it is there already: another synth may be reading. */
function put(folder: string, name: string, contents: Uint8Array): void {
  const file = join(folder, name)
  if (existsSync(file) && readFileSync(file).equals(contents)) return
  mkdirSync(folder, { recursive: true })
  // Beside the folder, all of which is uploaded.
  const unfinished = `${folder}.${name}.${process.pid}`
  writeFileSync(unfinished, contents)
  renameSync(unfinished, file)
}

// ── What is left out ─────────────────────────────────────────────────────────────────────────────

/** Half of the larger bundles, and none of it is ever run. */
const lean: Plugin = {
  name: 'lean',
  setup(build) {
    // Of undici one class is used; its index brings `fetch`, WebSocket, mocks and caches.
    build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'lean' }))
    build.onLoad({ filter: /^undici$/, namespace: 'lean' }, () => ({
      // As its index does it.
      contents:
        "import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';" +
        "import api from 'undici/lib/api/index.js';" +
        "export { default as Pool } from 'undici/lib/dispatcher/pool.js';" +
        'Object.assign(Dispatcher.prototype, api)',
      resolveDir: root,
    }))
    // For processors without SIMD, which Lambda has not.
    build.onLoad({ filter: /undici\/lib\/(milo\/no-simd|llhttp\/llhttp-wasm)\.js$/ }, () => ({
      contents: 'module.exports = null',
    }))
    // We say what is wrong in our own words, in English.
    build.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: join(path, '..'),
    }))
  },
}

if (import.meta.main) {
  const sizes = await bundle()
  for (const name of functionNames) {
    const folder = assetFolder(name)
    const whole = readdirSync(folder).reduce(
      (sum, file) => sum + statSync(join(folder, file)).size,
      0,
    )
    const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0).padStart(5)} kB`
    console.log(`${name.padEnd(10)} ${kilobytes(sizes[name])}, the whole asset ${kilobytes(whole)}`)
  }
  const over = tooLarge(sizes)
  if (over.length > 0) {
    console.error(`Larger than ${maxBytes / 1000} kB: ${over.join(', ')}.`)
    process.exitCode = 1
  }
}
