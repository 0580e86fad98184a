// Reads what `strace -f -yy -xx` wrote of the service: which bytes went into which file, what was
// synced, and what was sent to whom, in the order in which it happened. Pure.

export type Call =
  | {
      readonly do: 'open'
      readonly path: string
      readonly fd: number
      readonly truncates: boolean
      readonly appends: boolean
    }
  /** `offset` is `null` where the file's own position counts. */
  | {
      readonly do: 'write'
      readonly path: string
      readonly fd: number
      readonly offset: number | null
      readonly data: Buffer
    }
  | { readonly do: 'seek'; readonly path: string; readonly fd: number; readonly to: number }
  | { readonly do: 'truncate'; readonly path: string; readonly size: number }
  /** Of a file or a folder. */
  | { readonly do: 'sync'; readonly path: string }
  | { readonly do: 'rename'; readonly from: string; readonly to: string }
  | { readonly do: 'unlink'; readonly path: string }
  /** Told when it begins: a byte of it may be out from then on. */
  | {
      readonly do: 'send'
      readonly localPort: number
      readonly remotePort: number
      readonly data: Buffer
    }

/** What the recorder has to ask strace for. Nothing of ours maps a file that has to survive. */
export const tracedCalls = [
  'openat',
  'pwrite64',
  'pwritev',
  'write',
  'writev',
  'lseek',
  'ftruncate',
  'truncate',
  'fallocate',
  'fsync',
  'fdatasync',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'sendto',
  'sendmsg',
]

/** Keeps the first half of calls that another thread's line interrupts; one line at a time. */
export function openStraceReader(): (line: string) => Call | null {
  const begun = new Map<string, string>()
  return (line) => {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const head = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1]
    if (head !== undefined) {
      // A send is told with its first half, which holds the bytes; all else when it has happened.
      const sent = sendOf(head)
      if (sent !== null) return sent
      begun.set(pid, head)
      return null
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1]
    if (resumed === undefined) return sendOf(rest) ?? callOf(rest)
    const first = begun.get(pid)
    begun.delete(pid)
    return first === undefined ? null : callOf(first + resumed)
  }
}

/** The text of a quoted string, or of a path, in strace's `\x41` form. */
function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}

const socket = /^(?:write|writev|sendto|sendmsg)\((\d+)<TCP(?:v6)?:\[(.*?)\]>, (.*)$/

function sendOf(text: string): Call | null {
  const [, , ends = '', rest = ''] = socket.exec(text) ?? []
  const ports = /:(\d+)->.*:(\d+)$/.exec(ends)
  if (ports === null) return null
  const data = Buffer.concat([...rest.matchAll(/"([^"]*)"/g)].map(([, each = '']) => unhex(each)))
  return { do: 'send', localPort: Number(ports[1]), remotePort: Number(ports[2]), data }
}

function callOf(text: string): Call | null {
  const [, name = '', args = '', result = '', more = ''] =
    /^(\w+)\((.*)\)\s+= (-?\d+)(.*)$/.exec(text) ?? []
  const value = Number(result)
  if (name === '' || value < 0) return null
  const strings = [...args.matchAll(/"([^"]*)"/g)].map(([, each = '']) => unhex(each))
  const [, fdText = '', hexPath = ''] = /^(\d+)<((?:\\x[0-9a-f]{2})+)>/.exec(args) ?? []
  const of = { path: unhex(hexPath).toString(), fd: Number(fdText) }
  const numbers = args.split(', ')
  switch (name) {
    case 'openat': {
      const path = unhex(/<((?:\\x[0-9a-f]{2})+)>/.exec(more)?.[1] ?? '').toString()
      const truncates = args.includes('O_TRUNC')
      return { do: 'open', path, fd: value, truncates, appends: args.includes('O_APPEND') }
    }
    case 'pwrite64':
    case 'pwritev': {
      const data = Buffer.concat(strings).subarray(0, value)
      return { do: 'write', ...of, offset: Number(numbers.at(-1)), data }
    }
    case 'write':
    case 'writev':
      if (of.path === '') return null
      return { do: 'write', ...of, offset: null, data: Buffer.concat(strings).subarray(0, value) }
    case 'lseek':
      return { do: 'seek', ...of, to: value }
    case 'ftruncate':
      return { do: 'truncate', path: of.path, size: Number(numbers.at(-1)) }
    case 'truncate':
      return { do: 'truncate', path: String(strings[0]), size: Number(numbers.at(-1)) }
    case 'fsync':
    case 'fdatasync':
      return { do: 'sync', path: of.path }
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return { do: 'rename', from: String(strings[0]), to: String(strings[1]) }
    case 'unlink':
    case 'unlinkat':
      return { do: 'unlink', path: String(strings[0]) }
    // It would need a model of its own: better no answer than a wrong one.
    case 'fallocate':
      throw new Error(`the recorder does not know what this leaves behind: ${name}`)
    default:
      return null
  }
}
