// The operators' commands behind their words: which dead letters are meant, many taken up again, and
// the sheet for a person who was woken up. Against the app itself, and a terminal that remembers.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { tokens } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { createParkedWorld } from '../../test/parked-world.ts'
import { createClient } from '../client/index.ts'
import type { Client, Redrive } from '../client/index.ts'
import { readWords } from './command.ts'
import { commands } from './commands/all.ts'
import { readSeconds, showSeconds } from './duration.ts'
import { exitCodes, Stop } from './exit.ts'
import { filterOf } from './letter-filter.ts'
import { redriveAll } from './redrive-all.ts'
import type { RedriveClient } from './redrive-all.ts'
import { deadLetterSheet, deadLetterTable, firstAid } from './show-dead-letter.ts'
import { readStanding, standingSheet } from './standing.ts'
import type { Terminal } from './terminal.ts'

function createTerminal(isWatched = false) {
  const printed = { out: [] as string[], note: [] as string[], live: [] as string[] }
  const terminal: Terminal = {
    out: (line) => void printed.out.push(line),
    note: (line) => void printed.note.push(line),
    style: (style, text) => (style === 'red' ? `!${text}` : text),
    live: (line) => void (line === null ? undefined : printed.live.push(line)),
    isWatched,
  }
  return { ...printed, terminal }
}

const clientOf = ({ app }: HttpWorld): Client =>
  createClient({
    url: 'http://service.test',
    token: tokens.operator,
    deadlineMs: 1_000,
    fetch: async (input, init) => app.request(input instanceof URL ? input.href : input, init),
  })

function commandOf(name: string) {
  const command = commands.find((each) => each.name === name)
  assert.ok(command, name)
  return command
}

const wordsOf = (name: string, ...args: readonly string[]) => readWords(commandOf(name), args)

const isUsage = (pattern: RegExp) => (error: unknown) =>
  error instanceof Stop && error.exitCode === exitCodes.usage && pattern.test(error.message)

test('spans of time are read and shown in units', () => {
  for (const [text, seconds] of [
    ['90', 90],
    ['90s', 90],
    ['30m', 1800],
    ['2h', 7200],
    ['1d', 86_400],
    ['', null],
    ['1w', null],
    ['-1', null],
    ['1.5h', null],
    ['9999999999', null],
  ] as const) {
    assert.equal(readSeconds(text), seconds, text)
  }
  assert.deepEqual([59, 60, 3600, 172_799, 172_800].map(showSeconds), [
    '59 s',
    '1 min',
    '1 h',
    '47 h',
    '2 d',
  ])
})

test('a filter is read from the options, and what cannot be is named', () => {
  const name = 'dead-letters list'
  assert.deepEqual(filterOf(wordsOf(name)), {})
  const all = ['--reason-code', 'too_late', '--step', 'void', '--processor', 'p', '--agent', 'a']
  assert.deepEqual(filterOf(wordsOf(name, ...all, '--older-than', '2h')), {
    reason: 'too_late',
    step: 'void',
    processor: 'p',
    agent: 'a',
    older_than: 7200,
  })
  for (const [option, value, told] of [
    ['--reason-code', 'unknown', /must be one of outcome_unknown/],
    ['--step', 'settle', /must be one of create/],
    ['--older-than', 'yesterday', /such as 90s/],
  ] as const) {
    assert.throws(() => filterOf(wordsOf(name, option, value)), isUsage(told))
  }
})

test('a redrive whose words are not clear asks nobody', async () => {
  const { terminal } = createTerminal()
  const why = ['--reason', 'it is back']
  for (const [args, told] of [
    [['pay_1'], /--reason is missing/],
    [['pay_1', '--reason', ' '], /--reason is missing/],
    [why, /name one payment, or --all/],
    [['pay_1', '--all', ...why], /not both/],
    [['pay_1', '--step', 'void', ...why], /choose among --all/],
    [['--all', '--reason', 'too_late'], /write --reason-code too_late/],
  ] as const) {
    const command = commandOf('dead-letters redrive')
    const run = async () => command.run(readWords(command, [...args]), terminal)
    await assert.rejects(run, isUsage(told), args.join(' '))
  }
  assert.throws(() => wordsOf('dead-letters redrive', 'a', 'b'), isUsage(/one word too many/))
})

test('every act of an operator needs its reason before anybody is asked', async () => {
  const { terminal } = createTerminal()
  for (const name of [
    'stop',
    'resume',
    'processors pause',
    'processors resume',
    'agents suspend',
    'agents resume',
  ]) {
    const command = commandOf(name)
    const operands = command.operands === undefined ? [] : ['x']
    const run = async () => command.run(readWords(command, operands), terminal)
    await assert.rejects(run, isUsage(/--reason is missing/), name)
  }
})

/** Answers page after page, and remembers what it was asked. */
function pagesOf(pages: readonly Partial<Redrive>[]) {
  const asked: object[] = []
  const client: RedriveClient = {
    deadLetters: async () => ({ ok: true, payments: [], cursor: null }),
    redriveMany: async (which) => {
      const page = pages[asked.length] ?? {}
      asked.push(which)
      const none = { redriven: [], left: [], stopped_by: null, cursor: null } as const
      return { ok: true, redrive: { object: 'redrive', ...none, ...page } }
    },
  }
  return { client, asked }
}

test('many are redriven over pages, empty ones too, until there are no more', async () => {
  const filter = { reason: 'too_late' } as const
  const { client, asked } = pagesOf([
    { redriven: ['a', 'b'], cursor: 'b' },
    { cursor: 'm' },
    { redriven: ['z'], left: [{ id: 'y', code: 'not_parked' }] },
  ])
  const { terminal, out, live } = createTerminal(true)
  const code = await redriveAll(client, filter, 'why', false, terminal)
  assert.equal(code, exitCodes.ok, 'what another has seen to is no failure')
  assert.deepEqual(
    asked.map((which) => ('cursor' in which ? which.cursor : null)),
    [null, 'b', 'm'],
  )
  assert.equal(live.length, 3)
  assert.match(out.at(-1) ?? '', /^3 redriven, 1 left as they are\./)
})

test('what was left for another reason, or ended early, is not done, and says what to do', async () => {
  const left = pagesOf([{ left: [{ id: 'y', code: 'retry_same_key' }] }])
  const first = createTerminal()
  assert.equal(await redriveAll(left.client, {}, 'why', false, first.terminal), exitCodes.failed)
  assert.match(first.out.join('\n'), /y +retry_same_key/)
  for (const [why, told] of [
    ['stopped', /quittance resume/],
    ['processor_paused', /quittance processors list/],
    ['clock_jumped', /clock/],
  ] as const) {
    const { client, asked } = pagesOf([{ stopped_by: why, cursor: 'a' }, { redriven: ['never'] }])
    const { terminal, note } = createTerminal()
    assert.equal(await redriveAll(client, {}, 'why', false, terminal), exitCodes.failed)
    assert.equal(asked.length, 1, 'it ends where it was stopped')
    assert.match(note.join('\n'), told)
  }
})

test('with --json a line for each, and the counts in the last one', async () => {
  const { client } = pagesOf([{ redriven: ['a'], left: [{ id: 'b', code: 'not_parked' }] }])
  const { terminal, out } = createTerminal()
  await redriveAll(client, {}, 'why', true, terminal)
  assert.deepEqual(
    out.map((line) => JSON.parse(line) as unknown),
    [
      { id: 'a', result: 'redriven', code: null },
      { id: 'b', result: 'left', code: 'not_parked' },
      { redriven: 1, left: 1, stopped_by: null },
    ],
  )
})

test('a dead letter’s sheet says what is known and what to do', async () => {
  const made = await createParkedWorld()
  made.world.hand.nowMs += 7_200_000
  const client = clientOf(made)
  const noted = await client.noteDeadLetter(made.id, 'ticket 4711')
  assert.ok(noted.ok)
  const { payment } = noted
  const letter = { ...payment.dead_letter, ended_by: '\u001b[31mnobody' }
  const lines = deadLetterSheet({ ...payment, dead_letter: letter }).join('\n')
  assert.match(lines, /dead letter +open: retries_exhausted, stuck in authorise/)
  assert.match(lines, /parked +\S+, for 2 h/)
  assert.match(lines, /tried +\d+ attempts?, sent 10×/)
  assert.match(lines, /evidence +answer: ECONNREFUSED/)
  assert.match(lines, /request +SHA-256 [0-9a-f]{64}/)
  assert.ok(lines.includes(firstAid.retries_exhausted))
  assert.match(lines, /note +ticket 4711/)
  assert.ok(!lines.includes('\u001b'), 'what others wrote cannot move the cursor')
  assert.match(deadLetterTable([payment])[2] ?? '', /pay_\w+ +2 h +retries_exhausted/)
})

test('the sheet shows what stands still: stop, pause, breaker, dead letters', async () => {
  const made = await createParkedWorld()
  const client = clientOf(made)
  await client.stop({ reason: 'orders come twice' })
  await client.pauseProcessor('model', { reason: 'red' })
  made.world.hand.nowMs += 3_600_000
  const standing = await readStanding(client)
  assert.deepEqual(standing.dead_letters, {
    open: 1,
    by_reason: { retries_exhausted: 1 },
    oldest_seconds: 3600,
    more: false,
  })
  const lines = standingSheet(standing, createTerminal().terminal.style)
  assert.match(lines[0] ?? '', /^payments +!Everything is stopped .* by Olga: orders come twice$/)
  assert.match(lines[1] ?? '', /^processor +!model \(test\): paused since .* by Olga: red; breaker/)
  assert.match(lines[2] ?? '', /^dead letters +!1: 1 retries_exhausted; the oldest for 1 h$/)
  assert.match(lines[3] ?? '', /^alerts +none$/)
})
