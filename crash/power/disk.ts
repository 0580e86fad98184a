// A disk that may lose whatever was not synced. It is fed with the calls of a recording, and at
// any moment says what a power loss would leave: a write survives for certain only once its file
// was synced, and a file's name only once its folder was. Pure; a path is a name in one folder.
import { basename, dirname } from 'node:path'

import type { Random } from '../../src/cli/demo/random.ts'
import type { Call } from './strace.ts'

/** Name → content. */
export type Image = ReadonlyMap<string, Buffer>

type Change =
  | { readonly at: number; readonly data: Buffer }
  /** A new size. */
  | { readonly size: number }

interface File {
  synced: Buffer
  pending: Change[]
  /** As the program sees it, for appending. */
  size: number
}

type Naming =
  | { readonly add: string; readonly file: File }
  | { readonly remove: string }
  | { readonly from: string; readonly to: string }

export interface Disk {
  readonly feed: (call: Call) => void
  /** Every unsynced change is lost. */
  readonly withoutUnsynced: () => Image
  /** Some unsynced changes are there and some are not, in any order, cut at sectors. */
  readonly withSomeUnsynced: (random: Random) => Image
  /** Nothing is lost, as after a SIGKILL. */
  readonly whole: () => Image
}

/** Disks promise to write these whole, and the older ones no more than the smaller. */
const sectorSizes = [512, 4096] as const

interface State {
  readonly folder: string
  readonly names: Map<string, File>
  readonly syncedNames: Map<string, File>
  namings: Naming[]
  /** By number, as the program knows them. */
  readonly open: Map<number, { readonly file: File; position: number }>
}

/** `found`: what is on it at the beginning, all of it synced. */
export function openDisk(folder: string, found: Image = new Map()): Disk {
  const names = new Map([...found].map(([each, content]) => [each, fileOf(content)]))
  const state: State = {
    folder,
    names,
    syncedNames: new Map(names),
    namings: [],
    open: new Map(),
  }
  const { syncedNames } = state
  return {
    feed: (call) => feed(state, call),
    withoutUnsynced: () => new Map([...syncedNames].map(([each, { synced }]) => [each, synced])),
    withSomeUnsynced: (random) => {
      const seen = new Map(syncedNames)
      // Names are kept in a journal: what is there of it is its beginning.
      for (const naming of state.namings.slice(0, random.integer(0, state.namings.length))) {
        applyNaming(seen, naming)
      }
      return new Map([...seen].map(([each, file]) => [each, survivorOf(file, random)]))
    },
    whole: () =>
      new Map([...names].map(([each, file]) => [each, applied(file.synced, file.pending)])),
  }
}

function feed(state: State, call: Call): void {
  if (call.do === 'send') return
  if (call.do === 'sync' && call.path === state.folder) {
    for (const naming of state.namings) applyNaming(state.syncedNames, naming)
    state.namings = []
    return
  }
  const path = call.do === 'rename' ? call.to : call.path
  if (dirname(path) !== state.folder || !isKept(path)) {
    if (call.do === 'open') state.open.delete(call.fd)
    return
  }
  switch (call.do) {
    case 'open':
      return openFile(state, call)
    case 'write':
      return write(state, call)
    case 'seek': {
      const handle = state.open.get(call.fd)
      if (handle !== undefined) handle.position = call.to
      return
    }
    case 'truncate':
      return change(opened(state, path), { size: call.size })
    case 'sync': {
      const file = opened(state, path)
      file.synced = applied(file.synced, file.pending)
      file.pending = []
      return
    }
    case 'rename':
      return name(state, { from: basename(call.from), to: basename(call.to) })
    case 'unlink':
      return name(state, { remove: basename(call.path) })
  }
}

function openFile(state: State, call: Extract<Call, { do: 'open' }>): void {
  const known = state.names.get(basename(call.path))
  const file = known ?? fileOf(Buffer.alloc(0))
  if (known === undefined) name(state, { add: basename(call.path), file })
  if (call.truncates && file.size > 0) change(file, { size: 0 })
  state.open.set(call.fd, { file, position: call.appends ? file.size : 0 })
}

function write(state: State, { path, fd, offset, data }: Extract<Call, { do: 'write' }>): void {
  const handle = state.open.get(fd)
  const file = handle?.file ?? opened(state, path)
  const at = offset ?? handle?.position ?? file.size
  change(file, { at, data })
  if (handle !== undefined && offset === null) handle.position = at + data.length
}

function opened({ names }: State, path: string): File {
  const file = names.get(basename(path))
  if (file === undefined) throw new Error(`${path} was never opened`)
  return file
}

function change(file: File, made: Change): void {
  file.pending.push(made)
  file.size = 'size' in made ? made.size : Math.max(file.size, made.at + made.data.length)
}

function name(state: State, naming: Naming): void {
  state.namings.push(naming)
  applyNaming(state.names, naming)
}

const fileOf = (content: Buffer): File => ({ synced: content, pending: [], size: content.length })

/** The index of the log is shared memory, and is made anew by whoever opens the file. */
const isKept = (path: string): boolean => !path.endsWith('-shm')

function applyNaming(names: Map<string, File>, naming: Naming): void {
  if ('add' in naming) names.set(naming.add, naming.file)
  else if ('remove' in naming) names.delete(naming.remove)
  else {
    const file = names.get(naming.from)
    names.delete(naming.from)
    if (file !== undefined) names.set(naming.to, file)
  }
}

function applied(content: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return content
  const ends = changes.map((each) => ('size' in each ? each.size : each.at + each.data.length))
  const room = Buffer.alloc(Math.max(content.length, ...ends))
  content.copy(room)
  let size = content.length
  for (const each of changes) {
    if ('size' in each) {
      // What is cut off and grown again reads as zeros.
      room.fill(0, Math.min(size, each.size))
      size = each.size
    } else {
      each.data.copy(room, each.at)
      size = Math.max(size, each.at + each.data.length)
    }
  }
  return room.subarray(0, size)
}

function survivorOf(file: File, random: Random): Buffer {
  const share = random.pick([0.1, 0.5, 0.9])
  const sector = random.pick(sectorSizes)
  const kept = file.pending.flatMap((each): readonly Change[] => {
    if ('size' in each) return random.next() < share ? [each] : []
    return sectorsOf(each, sector).filter(() => random.next() < share)
  })
  const order = kept.map((each) => ({ each, at: random.next() })).toSorted((a, b) => a.at - b.at)
  const left = applied(
    file.synced,
    order.map(({ each }) => each),
  )
  // The new length may be on the disk before what belongs there.
  if (random.next() < 0.7 || left.length >= file.size) return left
  return applied(left, [{ size: file.size }])
}

function sectorsOf(
  { at, data }: Extract<Change, { data: Buffer }>,
  sector: number,
): readonly Extract<Change, { data: Buffer }>[] {
  const parts: { at: number; data: Buffer }[] = []
  for (let from = 0; from < data.length;) {
    const to = Math.min(data.length, from + sector - ((at + from) % sector))
    parts.push({ at: at + from, data: data.subarray(from, to) })
    from = to
  }
  return parts
}
