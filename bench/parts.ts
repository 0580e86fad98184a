// A CPU profile of V8, taken apart: which part of the house each sample belongs to.
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

export interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

/** A call of the profile's tree with all that it called. */
export interface Call {
  readonly name: string
  /** The file, from `src/` or the package's name on; empty for what is built in. */
  readonly file: string
  selfUs: number
  totalUs: number
  readonly parent: Call | null
  readonly children: Map<string, Call>
}

export function treeOf({ nodes, samples, timeDeltas }: CpuProfile): Call {
  const selfUs = new Map<number, number>()
  for (const [index, id] of samples.entries()) {
    selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const root: Call = callOf('all', '', null)
  const add = (id: number, parent: Call): number => {
    const node = byId.get(id)
    if (node === undefined) return 0
    const { functionName, url } = node.callFrame
    if (functionName === '(idle)' || functionName === '(program)') return 0
    const [name, file] = [functionName === '' ? 'anonymous' : functionName, shortOf(url)]
    const key = `${name} ${file}`
    const call = parent.children.get(key) ?? callOf(name, file, parent)
    parent.children.set(key, call)
    const ownUs = selfUs.get(id) ?? 0
    const us = ownUs + (node.children ?? []).reduce((sum, child) => sum + add(child, call), 0)
    call.selfUs += ownUs
    call.totalUs += us
    return us
  }
  const [top] = nodes
  root.totalUs = (top?.children ?? []).reduce((sum, id) => sum + add(id, root), 0)
  return root
}

const callOf = (name: string, file: string, parent: Call | null): Call => ({
  name,
  file,
  selfUs: 0,
  totalUs: 0,
  parent,
  children: new Map(),
})

function shortOf(url: string): string {
  const [, ours] = /\/(src\/.*)$/.exec(url) ?? []
  const [, theirs] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? []
  return theirs ?? ours ?? url
}

/** Counted under the outermost call that fits: what it asks of the store is a part of it. */
const outer: readonly (readonly [RegExp, string])[] = [
  [/^src\/publishers\/ledger\//, 'books (ledger)'],
  [/^src\/publishers\/feed\//, 'feed'],
  [/^src\/publishers\/webhook\//, 'webhooks out'],
  [/^src\/(engine|embedded|alerts)\/alert/, 'alerts'],
  [/^src\/engine\/relay\.ts/, 'relay: reading the outbox'],
  [/^node:internal\/(modules|process\/esm|main)|^node:internal\/deps\/amaro/, 'start and loading'],
]

/** Counted under the innermost. */
const inner: readonly (readonly [RegExp, string])[] = [
  [/^src\/stores\//, 'store'],
  [/^src\/http\/|^hono$|^@hono\/|^zod$/, 'door: routes, checks, answers'],
  [/^src\/processors\/|^undici$/, 'calls to the processor'],
  [/^src\/core\//, 'core: deciding'],
  [/^src\/metrics\/|^prom-client$/, 'metrics'],
  [/^src\/engine\//, 'engine'],
  [/^src\/embedded\//, 'driver'],
  [/^node:(_http|http|net|internal\/streams|internal\/http|stream)/, 'sockets and HTTP of Node'],
]

/** Microseconds of each part, the largest first. */
export function partsOf(root: Call): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>()
  const add = (part: string, us: number): void => void sums.set(part, (sums.get(part) ?? 0) + us)
  const walk = (call: Call, within: string | null, nearest: string): void => {
    const found = within ?? partIn(outer, call.file)
    const near = partIn(inner, call.file) ?? nearest
    add(ownPart(call) ?? found ?? near, call.selfUs)
    for (const child of call.children.values()) walk(child, found, near)
  }
  walk(root, null, 'Node: timers, promises, the rest')
  return [...sums].toSorted(([, a], [, b]) => b - a)
}

function ownPart({ name, file, parent }: Call): string | null {
  if (name === '(garbage collector)') return 'garbage collector'
  const isCommit = name === 'commit' && file.endsWith('commit-queue.ts')
  const isExec = name === 'exec' && parent?.file.endsWith('commit-queue.ts') === true
  return isCommit || isExec ? 'store: COMMIT (writing the log, fsync)' : null
}

function partIn(list: typeof outer, file: string): string | null {
  return list.find(([pattern]) => pattern.test(file))?.[1] ?? null
}
