// The pure parts of the crash proofs: reading strace, the disk that loses what was not synced, the
// judgement of promises. Each must be able to say no.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { check } from '../src/cli/demo/check.ts'
import { randomOf } from '../src/cli/demo/random.ts'
import { applied } from '../test/mutants/apply.ts'
import { manyBills, readBills } from './bills.ts'
import type { Books } from './books.ts'
import { defects, oftenCheckpointed } from './defects.ts'
import { readTap } from './full-disk.ts'
import { planKills } from './kill-plan.ts'
import { pointNames, points } from './point-names.ts'
import { openDisk } from './power/disk.ts'
import type { Disk, Image } from './power/disk.ts'
import { brokenPromises, note, nothingPromised } from './power/promises.ts'
import type { Kept } from './power/promises.ts'
import { tracerEnded } from './power/record.ts'
import { openStraceReader } from './power/strace.ts'
import type { Call } from './power/strace.ts'

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')

function readLines(...lines: readonly string[]): readonly (Call | null)[] {
  const read = openStraceReader()
  return lines.map((line) => read(line))
}

suite('strace', () => {
  const path = hex('/d/q.db')

  test('opens, writes, seeks, cuts and syncs are read with their file', () => {
    const calls = readLines(
      `7  openat(AT_FDCWD<${hex('/x')}>, "${path}", O_RDWR|O_CREAT|O_TRUNC, 0600) = 9<${path}>`,
      `7  pwrite64(9<${path}>, "${hex('ab')}"..., 2, 4096) = 2`,
      `7  write(9<${path}>, "${hex('a, "b) = 7')}", 10) = 10`,
      `7  lseek(9<${path}>, 5, SEEK_SET) = 5`,
      `7  ftruncate(9<${path}>, 12) = 0`,
      `7  fdatasync(9<${path}>) = 0`,
      `7  rename("${hex('/d/a')}", "${hex('/d/b')}") = 0`,
      `7  unlink("${hex('/d/b')}") = 0`,
    )
    const of = { path: '/d/q.db', fd: 9 }
    assert.deepEqual(calls, [
      { do: 'open', ...of, truncates: true, appends: false },
      { do: 'write', ...of, offset: 4096, data: Buffer.from('ab') },
      { do: 'write', ...of, offset: null, data: Buffer.from('a, "b) = 7') },
      { do: 'seek', ...of, to: 5 },
      { do: 'truncate', path: '/d/q.db', size: 12 },
      { do: 'sync', path: '/d/q.db' },
      { do: 'rename', from: '/d/a', to: '/d/b' },
      { do: 'unlink', path: '/d/b' },
    ])
  })

  test('a write that was cut short holds what was written, and one that failed nothing', () => {
    const calls = readLines(
      `7  pwrite64(9<${path}>, "${hex('abc')}", 3, 0) = 2`,
      `7  pwrite64(9<${path}>, "${hex('abc')}", 3, 0) = -1 ENOSPC (No space left on device)`,
      `7  fsync(9<${path}>) = -1 EIO (Input/output error)`,
    )
    const data = Buffer.from('ab')
    assert.deepEqual(calls, [{ do: 'write', path: '/d/q.db', fd: 9, offset: 0, data }, null, null])
  })

  test('a sync counts when it comes back, whatever other threads do meanwhile', () => {
    const calls = readLines(
      `7  fsync(9<${path}> <unfinished ...>`,
      `8  write(5<${hex('/d/x')}>, "${hex('y')}", 1) = 1`,
      '7  <... fsync resumed>) = 0',
    )
    assert.deepEqual(
      calls.map((call) => call?.do ?? null),
      [null, 'write', 'sync'],
    )
  })

  test('a send counts when it begins, and its parts are one', () => {
    const ends = 'TCP:[127.0.0.1:4020->127.0.0.1:5000]'
    const parts = `[{iov_base="${hex('HTTP')}", iov_len=4}, {iov_base="${hex('/1.1')}", iov_len=4}]`
    const calls = readLines(
      `7  writev(9<${ends}>, ${parts}, 2 <unfinished ...>`,
      '7  <... writev resumed>) = 8',
    )
    const data = Buffer.from('HTTP/1.1')
    assert.deepEqual(calls, [{ do: 'send', localPort: 4020, remotePort: 5000, data }, null])
  })
})

function diskOf(...calls: readonly Call[]): Disk {
  const disk = openDisk('/d')
  for (const call of calls) disk.feed(call)
  return disk
}

const opened = (name: string, fd = 3): Call => ({
  do: 'open',
  path: `/d/${name}`,
  fd,
  truncates: false,
  appends: false,
})
const written = (name: string, offset: number | null, text: string, fd = 3): Call => ({
  do: 'write',
  path: `/d/${name}`,
  fd,
  offset,
  data: Buffer.from(text),
})
const synced = (name = ''): Call => ({ do: 'sync', path: name === '' ? '/d' : `/d/${name}` })
const textsOf = (image: Image): Record<string, string> =>
  Object.fromEntries([...image].map(([name, content]) => [name, content.toString()]))

suite('disk', () => {
  test('what was not synced is lost, and what was is there', () => {
    const disk = diskOf(
      opened('a'),
      synced(),
      written('a', 0, 'one'),
      synced('a'),
      written('a', 0, 'two'),
      written('a', 3, 'more'),
    )
    assert.deepEqual(textsOf(disk.withoutUnsynced()), { a: 'one' })
    assert.deepEqual(textsOf(disk.whole()), { a: 'twomore' })
  })

  test('a file whose folder was not synced is not there, and one that was removed is there again', () => {
    const made = diskOf(opened('a'), written('a', 0, 'x'), synced('a'))
    assert.deepEqual(textsOf(made.withoutUnsynced()), {})
    const removed = diskOf(opened('a'), synced(), { do: 'unlink', path: '/d/a' })
    assert.deepEqual(textsOf(removed.withoutUnsynced()), { a: '' })
    assert.deepEqual(textsOf(removed.whole()), {})
  })

  test('a renamed file has its new name once the folder is synced', () => {
    const calls = [opened('a'), written('a', 0, 'x'), synced('a'), synced()]
    const renamed: Call = { do: 'rename', from: '/d/a', to: '/d/b' }
    assert.deepEqual(textsOf(diskOf(...calls, renamed).withoutUnsynced()), { a: 'x' })
    assert.deepEqual(textsOf(diskOf(...calls, renamed, synced()).withoutUnsynced()), { b: 'x' })
  })

  test('positions move with writes and seeks, and what was cut off reads as zeros', () => {
    const disk = diskOf(
      opened('a'),
      written('a', null, 'ab'),
      written('a', null, 'cd'),
      { do: 'seek', path: '/d/a', fd: 3, to: 1 },
      written('a', null, 'X'),
      { do: 'truncate', path: '/d/a', size: 3 },
      { do: 'truncate', path: '/d/a', size: 5 },
    )
    assert.deepEqual(textsOf(disk.whole()), { a: 'aXc\0\0' })
  })

  test('some of what was not synced survives: whole sectors of old or new, in any mixture', () => {
    const sector = (letter: string): string => letter.repeat(512)
    const before = sector('a') + sector('b')
    const disk = diskOf(
      opened('a'),
      synced(),
      written('a', 0, before),
      synced('a'),
      written('a', 0, sector('c') + sector('d')),
    )
    const random = randomOf(1, 'test')
    const seen = new Set(
      Array.from({ length: 200 }, () => disk.withSomeUnsynced(random).get('a')?.toString()),
    )
    const all = ['a', 'c'].flatMap((one) => ['b', 'd'].map((two) => sector(one) + sector(two)))
    assert.deepEqual(seen, new Set(all))
  })

  test('sectors are those of the disk, wherever a write begins', () => {
    const disk = diskOf(
      opened('a'),
      synced(),
      written('a', 0, 'a'.repeat(1536)),
      synced('a'),
      written('a', 256, 'x'.repeat(1024)),
    )
    const random = randomOf(3, 'test')
    for (let count = 0; count < 100; count += 1) {
      const content = disk.withSomeUnsynced(random).get('a')?.toString() ?? ''
      const turns = [...content].flatMap((letter, at) => (letter === content[at - 1] ? [] : [at]))
      assert.deepEqual(
        turns.filter((at) => ![0, 256, 512, 1024, 1280].includes(at)),
        [],
      )
    }
  })

  test('what was synced survives every mixture, and nothing older comes back', () => {
    const disk = diskOf(
      opened('a'),
      written('a', 0, 'older'),
      synced('a'),
      written('a', 0, 'newer'),
      synced('a'),
      opened('gone', 4),
      synced(),
      { do: 'unlink', path: '/d/gone' },
      synced(),
      written('a', 4096, 'later'),
      opened('b', 4),
    )
    const random = randomOf(2, 'test')
    const seen = Array.from({ length: 100 }, () => disk.withSomeUnsynced(random))
    for (const image of seen) {
      assert.equal(image.get('a')?.toString().slice(0, 5), 'newer')
      assert.ok(!image.has('gone'))
    }
    // A name that was not synced may be there and may be lost.
    assert.deepEqual(new Set(seen.map((image) => image.has('b'))), new Set([true, false]))
  })

  test('the shared memory of the log is no file of the disk', () => {
    assert.deepEqual(textsOf(diskOf(opened('q.db-shm'), written('q.db-shm', 0, 'x')).whole()), {})
  })
})

suite('promises', () => {
  const sent = (localPort: number, text: string): Extract<Call, { do: 'send' }> => ({
    do: 'send',
    localPort,
    remotePort: 9,
    data: Buffer.from(text),
  })
  const promised = nothingPromised()
  note(promised, sent(1, '{"id":"pay_1","object":"payment","version":3}'), 1)
  note(promised, sent(1, '[{"id":"pay_2","version":1},{"id":"pay_1","version":2}]'), 1)
  note(promised, sent(1, '{"object":"agent","id":"a_1"}'), 1)
  const answer = (status: number, id: string): string =>
    `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nrequest-id: webhook:${id}\r\n\r\n{}`
  note(promised, sent(1, answer(200, 'evt_1')), 1)
  note(promised, sent(1, answer(503, 'evt_2')), 1)
  const call =
    'POST /v1/charges HTTP/1.1\r\nidempotency-key: att_1\r\n\r\n{"installation":"inst_1"}'
  note(promised, sent(5, call), 1)
  note(promised, sent(5, 'GET /v1/charges HTTP/1.1\r\nidempotency-key: att_2\r\n\r\n'), 1)

  // Only what is judged here; a payment has many more fields.
  const paid = (id: string, seq: number) => [id, { id, seq } as never] as const
  const books: Books = {
    payments: new Map([paid('pay_1', 3), paid('pay_2', 1)]),
    keys: new Map([['k1', 'pay_1']]),
    agents: new Set(['a_1']),
    webhooks: new Set(['simulated/evt_1']),
    attempts: new Set(['att_1']),
    events: 4,
    faults: [],
  }
  const kept: Kept = { books, installation: 'inst_1', keys: new Map([['k1', 'pay_1']]) }

  test('are read from the bytes: payments with their highest version, agents, webhooks, attempts', () => {
    assert.deepEqual(
      [...promised.payments],
      [
        ['pay_1', 3],
        ['pay_2', 1],
      ],
    )
    assert.deepEqual([...promised.agents], ['a_1'])
    assert.deepEqual([...promised.webhooks], ['evt_1'])
    assert.deepEqual([...promised.attempts], ['att_1'])
    assert.deepEqual([...promised.installations], ['inst_1'])
    assert.deepEqual(brokenPromises(promised, kept), [])
  })

  const losses: readonly (readonly [string, Partial<Books>, RegExp])[] = [
    ['a payment', { payments: new Map([paid('pay_1', 3)]) }, /pay_2 was told/],
    ['an event', { payments: new Map([paid('pay_1', 2), paid('pay_2', 1)]) }, /pay_1 was told/],
    ['a key', { keys: new Map() }, /the key k1 of pay_1/],
    ['an attempt', { attempts: new Set() }, /att_1 was sent/],
    ['an agent', { agents: new Set() }, /the agent a_1/],
    ['a webhook', { webhooks: new Set() }, /the webhook evt_1 was acknowledged/],
    ['a page', { faults: ['SQLite: page 3'] }, /page 3/],
  ]
  for (const [what, lost, words] of losses) {
    test(`${what} that is lost is found`, () => {
      const broken = brokenPromises(promised, { ...kept, books: { ...books, ...lost } })
      assert.equal(broken.length, 1)
      assert.match(broken[0] ?? '', words)
    })
  }

  test('an installation that is lost is found', () => {
    assert.match(brokenPromises(promised, { ...kept, installation: '' }).join(), /inst_1/)
  })
})

test('a plan has every point that a restart can reach, and with the first start as many kills as asked for', () => {
  const aims = planKills(60, randomOf(1, 'kills')).map(({ aim }) => aim?.point ?? null)
  const later = pointNames.filter((name) => points[name].at !== 'first_start')
  assert.equal(aims.length, 60 - (pointNames.length - later.length))
  assert.deepEqual(new Set(aims), new Set([null, ...later]))
  assert.equal(planKills(0, randomOf(1, 'kills')).length, later.length)
})

test('bills that are read again are other bills, and no look-alikes', () => {
  const file = readBills()
  const bills = manyBills(file, file.length * 3)
  const distinct = (name: (bill: (typeof bills)[number]) => string): number =>
    new Set(bills.map(name)).size
  assert.equal(
    distinct(({ id }) => id),
    bills.length,
  )
  assert.equal(
    distinct(({ payee, reference }) => `${payee}/${reference}`),
    bills.length,
  )
  const twins = bills.filter(({ script }) => script === 'twin').length
  assert.equal(
    distinct(({ account, payee, amount, currency }) =>
      [account, payee, amount, currency].join('/'),
    ),
    bills.length - twins / 2,
  )
  const nothing = { acknowledged: new Map(), surprises: [], payments: [], charges: [] }
  assert.equal(check({ bills, ...nothing }).open, bills.length)
})

test('failed and missing tests of full disks are told', () => {
  assert.deepEqual(readTap('not ok 1 - a disk\n# pass 2\n# skipped 1'), {
    passed: 2,
    skipped: 1,
    faults: ['a disk'],
  })
  assert.equal(readTap('').faults.length, 1)
})

test('the end of a trace is seen, however many digits its process has', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-trace-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const log = join(folder, 'strace.log')
  for (const pid of ['7', '7365', '17365', '4193304']) {
    const ended = [7, 12345].map((other) => `${String(other).padEnd(5)} +++ exited with 0 +++`)
    const own = `${pid.padEnd(5)} +++ exited with 0 +++`
    writeFileSync(log, [`${pid.padEnd(5)} openat(AT_FDCWD, "x")`, ...ended, own, ''].join('\n'))
    await tracerEnded(log, 1)
  }
  writeFileSync(log, '7365  openat(AT_FDCWD, "x")\n7366  +++ exited with 0 +++\n')
  await assert.rejects(tracerEnded(log, 1), /strace did not come to its end: its log has 56 bytes/)
})

test('every defect that can be planted has its place in the source', () => {
  for (const patches of [...Object.values(defects), [oftenCheckpointed]]) {
    const sources = new Map<string, string>()
    for (const patch of patches) {
      const file = fileURLToPath(new URL(`../${patch.file}`, import.meta.url))
      sources.set(file, applied(patch, sources.get(file) ?? readFileSync(file, 'utf8')))
    }
  }
})
