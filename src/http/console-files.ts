// The built files of the console: read once, kept compressed, and served under a policy that lets no
// script in but ours. What was not read from the folder cannot be asked for.
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

export interface ConsoleFiles {
  /** The answer for a path of the console; `null`: it is none. */
  readonly answer: (request: Request, path: string) => Promise<Response | null>
}

interface File {
  readonly type: string
  readonly etag: string
  readonly bytes: Record<Encoding, Uint8Array<ArrayBuffer>>
}

type Encoding = 'br' | 'gzip' | 'identity'

/** In the package the built console lies beside us; in a checkout it is where Vite puts it. */
const consoleFolders: readonly string[] = ['../console/', '../../console/dist/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** The screens: each is the same document, and what it shows is in its address. */
const screens =
  /^\/(?:(?:payments(?:\/pay_\w+)?|dead-letters|approvals|reconciliation|agents|processors|sandbox|audit)\/?)?$/

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function openConsoleFiles(folders: readonly string[] = consoleFolders): ConsoleFiles {
  let loaded: { readonly mark: string; readonly files: ReadonlyMap<string, File> } | null = null
  return Object.freeze<ConsoleFiles>({
    async answer(request, path) {
      const isScreen = screens.test(path)
      if (!isScreen && !path.startsWith('/assets/')) return null
      // The document names the others, so that a new one means that all are new.
      const found = await findFolder(folders)
      if (found === null) return isScreen ? notBuilt() : null
      if (loaded?.mark !== found.mark) {
        loaded = { mark: found.mark, files: await load(found.folder) }
      }
      const file = loaded.files.get(isScreen ? '/index.html' : path)
      return file === undefined ? null : serve(request, file, isScreen)
    },
  })
}

async function findFolder(
  folders: readonly string[],
): Promise<{ readonly folder: string; readonly mark: string } | null> {
  for (const folder of folders) {
    const found = await stat(join(folder, 'index.html')).catch(() => null)
    if (found !== null) return { folder, mark: `${folder} ${found.mtimeMs} ${found.size}` }
  }
  return null
}

async function load(folder: string): Promise<ReadonlyMap<string, File>> {
  const names = await readdir(folder, { recursive: true })
  const read = names.map(async (name): Promise<readonly [string, File] | null> => {
    const type = types[extname(name)]
    if (type === undefined) return null
    return [`/${name.replaceAll('\\', '/')}`, await pack(await readFile(join(folder, name)), type)]
  })
  return new Map((await Promise.all(read)).filter((each) => each !== null))
}

/** Above this level a build's worth of time is spent for one per cent. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }

async function pack(bytes: Buffer, type: string): Promise<File> {
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(bytes, brotliOptions),
    promisify(gzip)(bytes),
  ])
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const [identity, brotli, gz] = [bytes, br, gzipped].map((each) => new Uint8Array(each))
  return { type, etag, bytes: { identity, br: brotli, gzip: gz } as File['bytes'] }
}

function serve(request: Request, { type, etag, bytes }: File, isScreen: boolean): Response {
  const encoding = encodingOf(request.headers.get('accept-encoding') ?? '')
  const headers = {
    ...securityHeaders,
    'content-type': type,
    // Names of assets hold their hash; the document is asked for again each time.
    'cache-control': isScreen ? 'no-cache' : 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    etag,
    ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
  }
  if (request.headers.get('if-none-match') === etag) {
    return new Response(null, { status: 304, headers })
  }
  const body = request.method === 'HEAD' ? null : bytes[encoding]
  return new Response(body, { status: 200, headers })
}

function encodingOf(accepted: string): Encoding {
  if (/\bbr\b/.test(accepted)) return 'br'
  return /\bgzip\b/.test(accepted) ? 'gzip' : 'identity'
}

function notBuilt(): Response {
  const text =
    'Quittance is running, and its console is not built.\n\n' +
    'In a checkout `npm start` builds it, and so does `npm run console:build`.\n' +
    'The HTTP API is there without it: GET /openapi.json describes it.\n'
  return new Response(text, {
    status: 200,
    headers: {
      ...securityHeaders,
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
    },
  })
}
