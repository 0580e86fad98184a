// The commands as scripts use them: what they print, and how they exit.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'

import { exitCodeMeanings } from '../../src/cli/exit.ts'
import {
  agentToken,
  ledgerOf,
  operatorToken,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

const head = 'payee,reference,amount,currency'

async function system(t: TestContext) {
  const folder = await temporaryFolder(t)
  const simulator = await startSimulator(t, folder)
  const service = await start(t, ['serve'], serviceSettings(join(folder, 'data'), simulator.url))
  const settings = {
    QUITTANCE_URL: service.url,
    QUITTANCE_AGENT_TOKEN: agentToken,
    QUITTANCE_OPERATOR_TOKEN: operatorToken,
  }
  return { folder, simulator, settings }
}

const lastLine = (text: string): unknown => JSON.parse(text.trim().split('\n').at(-1) ?? '')

suite('commands', { concurrency: 4 }, () => {
  test('help teaches: commands, exit codes, and an example for each', async () => {
    const general = await run(['--help'])
    assert.equal(general.code, 0)
    for (const [code, meaning] of exitCodeMeanings) {
      assert.match(general.stdout, new RegExp(`^ +${code} +${meaning}$`, 'm'))
    }
    const commands = [
      'start',
      'serve',
      'simulator',
      'demo',
      'pay',
      'payments void',
      'dead-letters redrive',
      'status',
      'stop',
      'resume',
      'processors pause',
      'agents add',
      'alerts list',
      'audit list',
    ]
    for (const command of commands) {
      const help = await run([...command.split(' '), '--help'])
      assert.equal(help.code, 0, command)
      assert.match(help.stdout, new RegExp(`Examples\\n +.*quittance ${command}`), command)
    }
  })

  test('a wrong command line is exit code 2 and one line that says what to do', async () => {
    const cases = [
      [],
      ['nope'],
      ['pay'],
      ['pay', 'a', 'b'],
      ['payments'],
      ['pay', '--speed'],
      ['demo', '--seed', 'x'],
      ['demo', '--plant', 'x'],
    ]
    for (const args of cases) {
      const ended = await run(args)
      assert.equal(ended.code, 2, args.join(' '))
      if (args.length > 0) assert.match(ended.stderr, /^quittance: [^\n]+\n$/, args.join(' '))
    }
  })

  test('paying a file twice replays it: the processor sees each bill once', async (t) => {
    const { folder, simulator, settings } = await system(t)
    const file = join(folder, 'bills.csv')
    const rows = Array.from({ length: 20 }, (_, index) => `acme,INV-${index},${index + 1}.50,EUR`)
    // Two bills of one file with the same amount are two bills.
    await writeFile(file, [head, ...rows, 'acme,INV-A,9.99,EUR', 'acme,INV-B,9.99,EUR'].join('\n'))
    const first = await run(['pay', file, '--json'], settings)
    assert.equal(first.code, 0, first.stderr)
    assert.equal((lastLine(first.stdout) as { paid: number }).paid, 22)
    const again = await run(['pay', file, '--json'], settings)
    assert.equal(again.code, 0, again.stderr)
    assert.equal((lastLine(again.stdout) as { replayed: number }).replayed, 22)
    // A file that has grown is another batch: what was paid is found, not paid again.
    await writeFile(file, [head, ...rows, 'other,INV-C,1.00,EUR'].join('\n'))
    const grown = await run(['pay', file], settings)
    assert.equal(grown.code, 0, grown.stdout + grown.stderr)
    assert.match(grown.stdout, /paid 21 {2}of 21 bills.*\n.*20 asked for before/)
    const charges = await ledgerOf(simulator.url)
    assert.deepEqual(
      charges.map(({ captures }) => captures),
      Array.from({ length: 23 }, () => 1),
    )
  })

  test('bills that end unpaid, and changed bills, are told by line, with exit code 1', async (t) => {
    const { settings } = await system(t)
    const csv = [head, 'acct_declined,INV-1,5.00,EUR', 'acme,INV-2,6.00,EUR'].join('\n')
    const first = await run(['pay', '-'], settings, csv)
    assert.equal(first.code, 1)
    assert.match(
      first.stdout,
      /2 +acct_declined +INV-1 +5\.00 EUR +unpaid +declined: do_not_honour +pay_/,
    )
    assert.match(first.stdout, /paid 1 {2}unpaid 1 {2}of 2 bills; 6\.00 EUR moved/)
    const changed = await run(['pay', '-', '--json'], settings, csv.replace('6.00', '7.00'))
    assert.equal(changed.code, 1)
    assert.match(changed.stdout, /"reference":"INV-2".*"result":"refused".*idempotency_key_reused/)
  })

  test('faults of a file are told by line before anything is sent', async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'bills.csv')
    await writeFile(
      file,
      [head, 'acme,INV-1,5.0,EUR', 'acme,INV-2,5.00,EUR', 'acme,INV-2,5.00,EUR'].join('\n'),
    )
    // There is no service at all: the file is judged first.
    const ended = await run(['pay', file], {
      QUITTANCE_URL: 'http://127.0.0.1:9',
      QUITTANCE_AGENT_TOKEN: agentToken,
    })
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /bills\.csv:2: amount "5\.0": EUR has 2 decimals; write 5\.00/)
    assert.match(ended.stderr, /bills\.csv:4: is the bill of line 3 again/)
    assert.match(ended.stderr, /quittance: .* has 2 faults; nothing was sent\./)
  })

  test('no service is exit code 3, a refusal is 4', async (t) => {
    const { settings } = await system(t)
    const away = await run(['payments', 'list'], {
      ...settings,
      QUITTANCE_URL: 'http://127.0.0.1:9',
    })
    assert.equal(away.code, 3)
    assert.match(away.stderr, /^quittance: The service does not answer .*Is it running\?[^\n]*\n$/)
    const refused = await run(['payments', 'list', '--json'], {
      ...settings,
      QUITTANCE_OPERATOR_TOKEN: 'not_the_operators_token',
    })
    assert.equal(refused.code, 4)
    assert.equal(
      (lastLine(refused.stdout) as { problem: { code: string } }).problem.code,
      'unauthenticated',
    )
    const nobody = await run(
      ['pay', '-'],
      { ...settings, QUITTANCE_AGENT_TOKEN: 'not_an_agents_token' },
      `${head}\nacme,INV-1,5.00,EUR\n`,
    )
    assert.equal(nobody.code, 4)
    const missing = await run(['payments', 'show', 'pay_00000000000000000000000000'], settings)
    assert.equal(missing.code, 4)
  })

  test('an account, its mandate, an agent and its tokens, from nothing to a refused bill', async (t) => {
    const { folder, settings } = await system(t)
    const because = ['--reason', 'a test']
    const told = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run([...words], settings)
      assert.equal(code, 0, stderr)
      return stdout
    }
    await told('accounts', 'add', 'shop', '--name', 'the shop', ...because)
    const token = (await told('agents', 'add', 'agent_books', '--account', 'shop')).trim()
    assert.match(await told('mandates', 'show', 'account', 'shop'), /no mandate \(version 0\)/)
    const file = join(folder, 'mandate.json')
    await writeFile(file, '{"version":0,"limits":{"EUR":{"per_day":600}}}')
    const set = ['mandates', 'set', 'account', 'shop', '--file', file, ...because]
    assert.match(await told(...set), /version 1, ends never\n.*\n.*\n.*\nEUR +- +6\.00 EUR/)
    const again = await run(set, settings)
    assert.equal(again.code, 4)
    assert.match(again.stderr, /mandate_changed.*at version 1/)
    // What is shown can be set: it names the version that it replaces.
    await writeFile(file, await told('mandates', 'show', 'account', 'shop', '--json'))
    assert.match(await told(...set), /version 2/)
    const other = await run(['mandates', 'set', 'agent', 'agent_books', ...set.slice(4)], settings)
    assert.equal(other.code, 2)
    assert.match(other.stderr, /is the mandate of account shop/)
    const bills = [head, 'acme,INV-1,5.00,EUR', 'acme,INV-2,2.00,EUR'].join('\n')
    const paid = await run(['pay', '-'], { ...settings, QUITTANCE_AGENT_TOKEN: token }, bills)
    assert.equal(paid.code, 1)
    assert.match(paid.stdout, /INV-2 .*mandate_per_day/)
    const tokens = await told('tokens', 'list', 'agent_books', '--json')
    const { id } = JSON.parse(tokens.split('\n')[0] ?? '') as { id: string }
    await told('tokens', 'revoke', 'agent_books', '--token', id, ...because)
    const revoked = { ...settings, QUITTANCE_AGENT_TOKEN: token }
    assert.equal((await run(['pay', '-'], revoked, `${head}\nacme,INV-3,1.00,EUR`)).code, 4)
  })

  test('a payment from the command line: authorised, captured in part, refunded, watched', async (t) => {
    const { settings } = await system(t)
    const line =
      '{"payee":"acme","reference":"INV-9","amount":"20.00","currency":"EUR","capture":"manual"}'
    const asked = await run(['pay', '-', '--json'], settings, line)
    const { payment } = JSON.parse(asked.stdout.split('\n')[0] ?? '') as {
      payment: { id: string; state: string }
    }
    assert.equal(payment.state, 'authorised')
    const captured = await run(['payments', 'capture', payment.id, '--amount', '12.50'], settings)
    assert.equal(captured.code, 0, captured.stderr)
    const watched = await run(['payments', 'watch', payment.id], settings)
    assert.equal(watched.code, 0, watched.stdout)
    const refund = ['payments', 'refund', payment.id, '--reference', 'RMA-1', '--amount', '2.50']
    const refunds = [await run(refund, settings), await run(refund, settings)]
    assert.deepEqual(
      refunds.map(({ code }) => code),
      [0, 0],
    )
    const shown = await run(['payments', 'show', payment.id], settings)
    assert.match(shown.stdout, /captured +12\.50 EUR\nrefunded +2\.50 EUR\n/)
    const tooLate = await run(['payments', 'void', payment.id], settings)
    assert.equal(tooLate.code, 4)
    assert.match(tooLate.stderr, /already_captured/)
    const events = await run(['payments', 'events', payment.id, '--json'], settings)
    const types = events.stdout
      .trim()
      .split('\n')
      .map((each) => (JSON.parse(each) as { type: string }).type)
    assert.equal(types[0], 'claimed')
    assert.equal(types.filter((type) => type === 'refund_requested').length, 1)
  })

  test('everything is stopped and goes on, a processor is paused, an agent suspended', async (t) => {
    const { settings } = await system(t)
    const bill = `${head}\nacme,INV-1,5.00,EUR\n`
    assert.equal((await run(['stop'], settings)).code, 2, 'a reason is needed')
    const stopped = await run(['stop', '--reason', 'orders come twice'], settings)
    assert.equal(stopped.code, 0, stopped.stderr)
    assert.match(
      stopped.stdout,
      /^Everything is stopped since .* by operator: orders come twice\n$/,
    )
    const refused = await run(['pay', '-'], settings, bill)
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /stopped/)
    const sheet = await run(['status'], settings)
    assert.equal(sheet.code, 0, sheet.stderr)
    assert.match(sheet.stdout, /^payments +Everything is stopped/m)
    assert.match(sheet.stdout, /^dead letters +none/m)
    const again = await run(['stop', '--reason', 'another', '--json'], settings)
    assert.match(JSON.stringify(lastLine(again.stdout)), /orders come twice/)
    assert.match(again.stderr, /stopped before/)
    assert.equal((await run(['resume', '--reason', 'mended'], settings)).code, 0)

    const unknown = await run(['processors', 'pause', 'stripe', '--reason', 'x'], settings)
    assert.equal(unknown.code, 4)
    assert.match(unknown.stderr, /there are: simulated\./)
    const pause = ['processors', 'pause', 'simulated', '--reason', 'red']
    assert.match((await run(pause, settings)).stdout, /simulated .* by operator: red/)
    const waits = await run(['pay', '-', '--json', '--wait', '5'], settings, bill)
    assert.equal(waits.code, 1)
    assert.match(waits.stdout, /"hold":\{"reason":"processor_paused"/)
    const resume = ['processors', 'resume', 'simulated', '--reason', 'green']
    assert.equal((await run(resume, settings)).code, 0)
    assert.equal((await run(['pay', '-', '--wait', '30'], settings, bill)).code, 0)

    const add = ['agents', 'add', 'agent_books', '--account', 'shop']
    const added = await run(add, settings)
    assert.match(added.stdout, /^qt_agent_\S+\n$/)
    const books = { ...settings, QUITTANCE_AGENT_TOKEN: added.stdout.trim() }
    const suspend = ['agents', 'suspend', 'agent_books', '--reason', 'who is this?']
    assert.match((await run(suspend, settings)).stdout, /agent_books +shop +suspended/)
    const barred = await run(['pay', '-'], books, bill)
    assert.match(barred.stderr, /agent_suspended/)
    const trail = await run(['audit', 'list', '--json'], settings)
    const acts = trail.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { act: string }).act)
    assert.deepEqual(acts, ['suspend', 'token_add', 'resume', 'pause', 'start', 'stop'])
    const asAgent = { ...settings, QUITTANCE_OPERATOR_TOKEN: agentToken }
    for (const words of [['stop', '--reason', 'x'], ['status'], ['agents', 'list']]) {
      const barredToo = await run(words, asAgent)
      assert.equal(barredToo.code, 4, words.join(' '))
      assert.match(barredToo.stderr, /forbidden/)
    }
  })

  test('a dead letter is listed, shown with what to do, and redriven to its end', async (t) => {
    const { folder, simulator, settings } = await system(t)
    // The processor forgets our key: no payment's fault, and nothing that a retry could mend.
    await simulator.stop('SIGTERM')
    const port = new URL(simulator.url).port
    const args = ['simulator', '--port', port, '--file', join(folder, 'simulator.db')]
    const locked = await start(t, args, { QUITTANCE_SIMULATOR_KEY: 'another_key' })
    const asked = await run(
      ['pay', '-', '--json', '--wait', '10'],
      settings,
      `${head}\nacme,INV-1,5.00,EUR\n`,
    )
    assert.equal(asked.code, 1, asked.stdout + asked.stderr)
    assert.match(asked.stdout, /"result":"waiting","why":"validated, held: dead_letter"/)
    const listed = await run(['dead-letters', 'list', '--json'], settings)
    const letter = lastLine(listed.stdout) as { id: string; version: number }
    const shown = await run(['dead-letters', 'show', letter.id], settings)
    assert.match(shown.stdout, /dead letter +open: configuration.*\n/)
    assert.match(shown.stdout, /to do +mend our credentials/)
    const noted = await run(['dead-letters', 'note', letter.id, 'asked them'], settings)
    assert.match(noted.stdout, /note +asked them\n/)
    await locked.stop('SIGTERM')
    await start(t, args)

    const redrive = ['dead-letters', 'redrive', letter.id]
    assert.equal((await run(redrive, settings)).code, 2, 'a reason is needed')
    const stale = await run([...redrive, '--reason', 'x', '--version', '1'], settings)
    assert.equal(stale.code, 4)
    assert.match(stale.stderr, /version_mismatch/)
    const redriven = await run([...redrive, '--reason', 'the key is right again'], settings)
    assert.equal(redriven.code, 0, redriven.stderr)
    const watched = await run(['payments', 'watch', letter.id, '--timeout', '20'], settings)
    assert.equal(watched.code, 0, watched.stdout)
  })
})
