// What the code may not do, one row for each rule. A row says why, and plants a mistake that it has
// to find: a rule that finds nothing any more fails as well.
import type { Import, Source, Use } from './source.ts'

export interface Rule {
  readonly name: string
  readonly why: string
  readonly find: (source: Source) => readonly Finding[]
  /** Path and code of files that break this rule. */
  readonly planted: readonly (readonly [path: string, code: string])[]
}

export interface Finding {
  readonly line: number
  readonly what: string
}

/** Past these the code has a seam that wants to be found. */
const maxFileLines = 400
const maxFunctionLines = 70

export const rules: readonly Rule[] = [
  {
    name: 'core imports nothing outside core',
    why: 'core is pure: it is the same on a laptop, in a Lambda and in a proof',
    find: imports(isCore, ({ target }) => !target.startsWith('src/core/')),
    planted: [
      ['src/core/x.ts', "import { hash } from 'node:crypto'"],
      ['src/core/x.ts', "import type { Store } from '../ports.ts'"],
    ],
  },
  {
    name: 'core never waits',
    why: 'whoever waits can be overtaken; core decides from what it is given',
    find: uses(isCore, ({ kind, text }) => kind === 'async' || text === 'Promise'),
    planted: [
      ['src/core/x.ts', 'export const x = async () => 1'],
      ['src/core/x.ts', 'await 1'],
      ['src/core/x.ts', 'export type X = Promise<void>'],
    ],
  },
  {
    name: 'core reads no clock, no randomness and no world',
    why: 'time, ids and answers are arguments, so that one seed replays everything',
    find: uses(isCore, ({ kind, text }) =>
      kind === 'name' ? worldly.has(text) : text === 'Math.random',
    ),
    planted: [
      ['src/core/x.ts', 'export const x = Date.now()'],
      ['src/core/x.ts', 'export const x = new Date()'],
      ['src/core/x.ts', 'export const x = Math.random()'],
      ['src/core/x.ts', "export const x = process.env['X']"],
      ['src/core/x.ts', "export const x = fetch('x')"],
    ],
  },
  {
    name: 'one adapter does not import another',
    why: 'each can be read, tested and removed alone; what they share stands beside them',
    find: imports(isShipped, ({ target }, { path }) => {
      const other = adapterOf(target)
      return other !== null && portOf(path) === portOf(target) && adapterOf(path) !== other
    }),
    planted: [
      ['src/stores/dynamodb/x.ts', "import { y } from '../sqlite/y.ts'"],
      ['src/stores/sqlite/x.ts', "import { y } from '../memory.ts'"],
      ['src/processors/registry.ts', "import { y } from './stripe/y.ts'"],
      ['src/alerts/webhook/x.ts', "import { y } from '../log.ts'"],
    ],
  },
  {
    name: 'only the wiring imports adapters',
    why: 'engine and doors know ports; src/embedded and src/aws choose who stands behind them',
    find: imports(isShipped, ({ target }, { path }) => {
      const port = portOf(target)
      return port !== null && port !== portOf(path) && !isUnder(path, wiring)
    }),
    planted: [
      ['src/http/x.ts', "import { y } from '../stores/sqlite/y.ts'"],
      ['src/cli/x.ts', "import { y } from '../processors/stripe/y.ts'"],
      ['src/engine/x.ts', "import type { Y } from '../publishers/webhook/y.ts'"],
    ],
  },
  {
    name: 'only the engine decides',
    why: 'a door or a driver that decides is a second state machine',
    find: imports(
      isShipped,
      ({ target, typeOnly }, { path }) =>
        !typeOnly && deciding.has(target) && !isUnder(path, deciders),
    ),
    planted: [
      ['src/http/x.ts', "import { decide } from '../core/decide.ts'"],
      ['src/embedded/x.ts', "import { nextStep } from '../core/next.ts'"],
    ],
  },
  {
    name: 'the client imports only types of core',
    why: 'an agent installs it without the service; it has to run anywhere that has fetch',
    find: imports(
      ({ path }) => isShippedPath(path) && path.startsWith('src/client/'),
      ({ target, typeOnly }) =>
        !target.startsWith('src/client/') && !(typeOnly && target.startsWith('src/core/')),
    ),
    planted: [
      ['src/client/x.ts', "import { advise } from '../core/advice.ts'"],
      ['src/client/x.ts', "import { request } from 'undici'"],
    ],
  },
  {
    name: 'what is shipped imports nothing of tests and tools',
    why: 'the package has to work without them',
    find: imports(isShipped, ({ target, specifier }) =>
      specifier.startsWith('.')
        ? !isShippedPath(target)
        : /^(node:test|fast-check|aws-cdk-lib|constructs|react|react-dom)(\/|$)/.test(target),
    ),
    planted: [
      ['src/http/x.ts', "import { y } from '../../test/y.ts'"],
      ['src/http/x.ts', "import { y } from './y.test.ts'"],
      ['src/aws/x.ts', "import { Stack } from 'aws-cdk-lib/core'"],
      ['src/http/x.ts', "import React from 'react'"],
    ],
  },
  {
    name: 'measuring has one room',
    why: 'engine and doors say what happened; who counts it, and with which library, can be changed',
    find: imports(
      isShipped,
      ({ target }, { path }) =>
        (target === 'prom-client' && !path.startsWith('src/metrics/')) ||
        (target.startsWith('src/metrics/') && !isUnder(path, ['src/metrics/', ...wiring])),
    ),
    planted: [
      ['src/http/x.ts', "import { Registry } from 'prom-client'"],
      ['src/embedded/x.ts', "import { Registry } from 'prom-client'"],
      ['src/engine/x.ts', "import { openMetrics } from '../metrics/metrics.ts'"],
    ],
  },
  {
    name: 'AWS clients load only where AWS is',
    why: 'they are optional peers: one machine with one command must not need them',
    find: imports(
      isShipped,
      ({ target }, { path }) =>
        isUnder(target, ['@aws-sdk/', ...awsFolders]) && !isUnder(path, awsFolders),
    ),
    planted: [
      ['src/embedded/x.ts', "import { SQSClient } from '@aws-sdk/client-sqs'"],
      ['src/publishers/x.ts', "import type { SNSClient } from '@aws-sdk/client-sns'"],
      ['src/embedded/x.ts', "import { openDynamoStore } from '../stores/dynamodb/store.ts'"],
      ['src/cli/x.ts', "import { drives } from '../aws/work.ts'"],
    ],
  },
  {
    name: 'src/config.ts is the only reader of the environment',
    why: 'one page lists every setting, its default and its limits',
    find: uses(
      isShipped,
      ({ text }, { path }) => path !== 'src/config.ts' && text === 'process.env',
    ),
    planted: [
      ['src/http/x.ts', "export const x = process.env['X']"],
      ['src/http/x.ts', "export const x = process['env']"],
      ['src/http/x.ts', "import { env } from 'node:process'"],
    ],
  },
  {
    name: 'relative imports end with .ts',
    why: 'Node runs the source as it is and guesses no extension',
    find: imports(
      isAny,
      ({ specifier }) => specifier.startsWith('.') && !/\.(ts|json)$/.test(specifier),
    ),
    planted: [
      ['src/http/x.ts', "import { y } from './y'"],
      ['test/x.ts', "import { y } from './y.js'"],
    ],
  },
  {
    name: 'no default exports',
    why: 'a thing has one name, the same wherever it is used',
    find: uses(isSource, ({ text }) => text === 'export default'),
    planted: [['src/http/x.ts', 'export default 1']],
  },
  {
    name: 'no barrels except the entry points',
    why: 'an import leads to the file that holds the thing',
    find: (source) =>
      isSource(source) && !entryPoints.has(source.path) && source.isBarrel
        ? [{ line: 1, what: 'only passes on what other files export' }]
        : [],
    planted: [
      ['src/http/x.ts', "export { y } from './y.ts'"],
      ['src/http/x.ts', "export * from './y.ts'"],
      ['src/http/x.ts', "import { y } from './y.ts'\nexport { y }"],
    ],
  },
  {
    name: 'no any',
    why: 'it switches the type checker off for everything that it touches; unknown does not',
    find: uses(isAny, ({ kind }) => kind === 'any'),
    planted: [['src/http/x.ts', 'export const x = 1 as any']],
  },
  {
    name: `no file is longer than ${maxFileLines} lines`,
    why: 'look for the seam: two ideas, or one that wants a table',
    find: (source) =>
      isShipped(source) && source.lineCount > maxFileLines
        ? [{ line: maxFileLines + 1, what: `${source.lineCount} lines` }]
        : [],
    planted: [['src/http/x.ts', 'x()\n'.repeat(maxFileLines + 1)]],
  },
  {
    name: `no function has more than ${maxFunctionLines} lines of its own`,
    why: 'look for the seam: a step with a name is easier to follow than a long way',
    find: (source) =>
      isShipped(source)
        ? source.functions
            .filter(({ lineCount }) => lineCount > maxFunctionLines)
            .map(({ line, lineCount }) => ({ line, what: `${lineCount} lines` }))
        : [],
    planted: [['src/http/x.ts', `function x() {\n${'y()\n'.repeat(maxFunctionLines - 1)}}`]],
  },
]

/** Names of the world that core may not speak; a local thing needs another name too. */
const worldly = new Set(
  (
    'Date performance process fetch crypto console globalThis setTimeout setInterval setImmediate ' +
    'queueMicrotask Temporal Intl'
  ).split(' '),
)

/** Where an adapter may be chosen: one machine, AWS, and the simulation of either. */
const wiring = ['src/embedded/', 'src/aws/', 'src/sim/']

const deciding = new Set(['decide', 'evolve', 'next', 'observe'].map((n) => `src/core/${n}.ts`))
const deciders = ['src/core/', 'src/engine/', 'src/sim/', 'src/index.ts']
const awsFolders = ['src/aws/', 'src/stores/dynamodb/']
const entryPoints = new Set(['src/index.ts', 'src/client/index.ts'])

function imports(
  where: (source: Source) => boolean,
  isWrong: (found: Import, source: Source) => boolean,
): Rule['find'] {
  return (source) =>
    where(source)
      ? source.imports
          .filter((found) => isWrong(found, source))
          .map(({ line, specifier }) => ({ line, what: `imports ${specifier}` }))
      : []
}

function uses(
  where: (source: Source) => boolean,
  isWrong: (use: Use, source: Source) => boolean,
): Rule['find'] {
  return (source) =>
    where(source)
      ? source.uses
          .filter((use) => isWrong(use, source))
          .map(({ line, text }) => ({ line, what: `uses ${text}` }))
      : []
}

function isAny(): boolean {
  return true
}

function isSource({ path }: Source): boolean {
  return path.startsWith('src/')
}

function isShipped({ path }: Source): boolean {
  return isShippedPath(path)
}

function isCore(source: Source): boolean {
  return isShipped(source) && source.path.startsWith('src/core/')
}

/** Source that is no test, nothing that tests share and no tool; the build leaves the same out. */
function isShippedPath(path: string): boolean {
  return (
    path.startsWith('src/') && !/\.test\.ts$|\/(contract\/|(testkit|write-golden)\.ts$)/.test(path)
  )
}

function isUnder(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder))
}

/** `stores`, `processors`, `publishers` or `alerts`, where a path lies in one of them. */
function portOf(path: string): string | null {
  return /^src\/(stores|processors|publishers|alerts)\//.exec(path)?.[1] ?? null
}

/** A folder in there is an adapter, and so are `memory.ts` and `log.ts`; other files belong to all. */
function adapterOf(path: string): string | null {
  const name =
    /^src\/(?:stores|processors|publishers|alerts)\/(?:([^/]+)\/|(memory|log)\.ts$)/.exec(path)
  return name?.[1] ?? name?.[2] ?? null
}
