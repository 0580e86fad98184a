// The tokens of an agent: listed without what they are, issued, rotated, revoked.
import type { NewTokenResult, TokenStatus } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { readSeconds } from '../duration.ts'
import { exitCodes, usageError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { printPage } from '../pages.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { whyNeeded, whyOption } from './stop.ts'

const idOption = { value: 'TOKEN', what: 'its id, as `quittance tokens list` shows it (required)' }
const idNeeded = 'which one is meant'

const tokenTable = (tokens: readonly TokenStatus[]): readonly string[] =>
  table(
    [
      { title: 'TOKEN' },
      { title: 'STATUS' },
      { title: 'MAY' },
      { title: 'CREATED' },
      { title: 'ENDS' },
    ],
    tokens.map(({ id, status, scopes, created_at: created, expires_at: expires }) => [
      id,
      status,
      scopes === null ? 'everything' : scopes.join(','),
      created,
      expires ?? 'never',
    ]),
  )

const list: Command = {
  name: 'tokens list',
  operands: 'AGENT',
  summary: 'the tokens of an agent, and which of them are valid',
  about: 'Lists the tokens of an agent by their ids. The tokens themselves are stored nowhere.',
  examples: ['quittance tokens list agent_books'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.tokens(words.operands[0] ?? ''))
    return printPage(page, words, terminal, 'tokens', tokenTable)
  },
}

const add: Command = {
  name: 'tokens add',
  operands: 'AGENT',
  summary: 'one more token for an agent',
  about: `
Prints a new token: this one time, only its hash is kept. It may be for some of what the agent may ask
(pay, read, capture, void, refund, callback), and end by itself.`,
  examples: [
    'quittance tokens add agent_books --scopes pay,read --expires-in 90d --reason "a job"',
  ],
  options: {
    ...remoteOptions,
    scopes: { value: 'LIST', what: 'with commas between them (everything)' },
    'expires-in': { value: 'SPAN', what: 'such as 90d or 12h (never)' },
    reason: whyOption,
  },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const scopes = words
      .text('scopes')
      ?.split(',')
      .map((each) => each.trim())
    const seconds = spanOf(words, 'expires-in')
    const client = await connect(words, 'operator')
    const what = {
      ...(scopes === undefined ? {} : { scopes }),
      ...(seconds === null
        ? {}
        : { expires_at: new Date(Date.now() + seconds * 1000).toISOString() }),
    }
    return printNew(
      await client.addToken(words.operands[0] ?? '', what, { reason }),
      words,
      terminal,
    )
  },
}

const rotate: Command = {
  name: 'tokens rotate',
  operands: 'AGENT',
  summary: 'a token in place of another, both valid for a while',
  about: `
Prints a new token with the scopes of the old one. The old one stays valid for the overlap (a day,
unless told), so that whoever uses it can be given the new one first.`,
  examples: [
    'quittance tokens rotate agent_books --token tok_01KGB7D5RN2V0YJ4XH8T6QWM3C --overlap 1h --reason "quarterly"',
  ],
  options: {
    ...remoteOptions,
    token: idOption,
    overlap: { value: 'SPAN', what: 'how long the old one is valid yet (1d)' },
    reason: whyOption,
  },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const tokenId = words.needed('token', idNeeded)
    const seconds = spanOf(words, 'overlap')
    const client = await connect(words, 'operator')
    const what = {
      token_id: tokenId,
      ...(seconds === null ? {} : { overlap_seconds: seconds }),
    }
    const rotated = await client.rotateToken(words.operands[0] ?? '', what, { reason })
    return printNew(rotated, words, terminal)
  },
}

const revoke: Command = {
  name: 'tokens revoke',
  operands: 'AGENT',
  summary: 'end a token at once',
  about: 'From the next request on nobody comes in with this token. It does not come back.',
  examples: [
    'quittance tokens revoke agent_books --token tok_01KGB7D5RN2V0YJ4XH8T6QWM3C --reason "it was in a log"',
  ],
  options: { ...remoteOptions, token: idOption, reason: whyOption },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const tokenId = words.needed('token', idNeeded)
    const client = await connect(words, 'operator')
    const { token } = expectOk(
      await client.revokeToken(words.operands[0] ?? '', tokenId, { reason }),
    )
    const lines = words.is('json') ? [JSON.stringify(token)] : tokenTable([token])
    for (const line of lines) terminal.out(line)
    return exitCodes.ok
  },
}

function printNew(result: NewTokenResult, words: Words, terminal: Terminal): ExitCode {
  const { token } = expectOk(result)
  if (words.is('json')) {
    terminal.out(JSON.stringify(token))
    return exitCodes.ok
  }
  // The token alone: it can be piped to where it is kept.
  terminal.out(token.token)
  terminal.note(`This is ${token.id} of ${token.agent}. Keep it now.`)
  return exitCodes.ok
}

function spanOf(words: Words, name: string): number | null {
  const text = words.text(name)
  if (text === null) return null
  const seconds = readSeconds(text)
  if (seconds === null) throw usageError(`--${name} is "${text}"; it must be such as 1h or 90d.`)
  return seconds
}

export const tokenCommands: readonly Command[] = [list, add, rotate, revoke]
