// Makes each Lambda function one file, and refuses one that has grown too large: what is loaded is
// paid for at every cold start.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { BuildOptions, Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
const outFolder = join(import.meta.dirname, 'build')

export const functionNames = [
  'authorise',
  'intake',
  'relay',
  'dispatch',
  'step',
  'sweep',
  'redrive',
  'alerts',
] as const

export type FunctionName = (typeof functionNames)[number]

/** Minified, with the clients of the AWS SDK that it uses. */
export const maxBytes = 1_000_000

export const assetFolder = (name: FunctionName): string => join(outFolder, name)

/** Bytes of each bundle. The same source gives the same bytes wherever it is made. */
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
  const contents = await bundleFrom({ entryPoints: [`src/aws/${name}.ts`] })
  put(assetFolder(name), contents)
  return contents.length
}

type Source = Pick<BuildOptions, 'entryPoints' | 'stdin'>

/** One module, as all of them are made. */
export async function bundleFrom(source: Source): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...source,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: requireForPackages },
    mainFields: ['module', 'main'],
    legalComments: 'none',
    plugins: [lean],
    write: false,
    logLevel: 'error',
  })
  const [made] = outputFiles
  if (made === undefined) throw new Error('Nothing was made.')
  return made.contents
}

// Packages that are written for `require` still ask for it; the minifier makes no such long name.
const requireForPackages =
  "import{createRequire as createRequireOfBundle}from'node:module';" +
  'const require=createRequireOfBundle(import.meta.url);'

/** Never half of it, and nothing where it is there already: another synth may be reading. */
function put(folder: string, contents: Uint8Array): void {
  const file = join(folder, 'index.mjs')
  if (existsSync(file) && readFileSync(file).equals(contents)) return
  mkdirSync(folder, { recursive: true })
  // Beside the folder, all of which is uploaded.
  const unfinished = `${folder}.${process.pid}`
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
    console.log(`${name.padEnd(10)} ${(sizes[name] / 1000).toFixed(0).padStart(5)} kB`)
  }
  const over = tooLarge(sizes)
  if (over.length > 0) {
    console.error(`Larger than ${maxBytes / 1000} kB: ${over.join(', ')}.`)
    process.exitCode = 1
  }
}
