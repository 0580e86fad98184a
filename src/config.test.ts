// Settings: what they mean, and what is said about one that cannot be meant.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { ConfigError, readClientSettings, readConfig, settingNames } from './config.ts'

test('a rate is calls a second with a burst; a limit of nothing is refused and told what to do', () => {
  const rate = (text: string) => readConfig({ QUITTANCE_PROCESSOR_RATE: text }).processorRate
  assert.equal(readConfig({}).processorRate, null)
  assert.deepEqual(readConfig({}).agentRate, { perSecond: 100, burst: 200 })
  assert.deepEqual(rate('25/50'), { perSecond: 25, burst: 50 })
  assert.deepEqual(rate('0.5'), { perSecond: 0.5, burst: 1 })
  assert.equal(rate('off'), null)
  for (const wrong of ['0', '0/5', '25/0', '-1', 'many', '1e9', '25/50/75']) {
    assert.throws(
      () => rate(wrong),
      (error) => error instanceof ConfigError && /pause the processor/.test(error.message),
      wrong,
    )
  }
})

test('a second operator is asked for only on purpose', () => {
  assert.equal(readConfig({}).secondOperatorToken, null)
  const token = 'a_second_operator_token'
  const config = readConfig({ QUITTANCE_SECOND_OPERATOR_TOKEN: token })
  assert.equal(config.secondOperatorToken, token)
})

test('a setting that is spelt wrongly is refused with the nearest that there is', () => {
  for (const read of [readConfig, readClientSettings]) {
    assert.throws(
      () => read({ QUITTANCE_PROT: '4055', PATH: '/bin' }),
      (error) => error instanceof ConfigError && /nearest is QUITTANCE_PORT\./.test(error.message),
    )
  }
  const all = Object.fromEntries(
    settingNames.filter((name) => !name.endsWith('_HOST')).map((name) => [name, '']),
  )
  assert.equal(readConfig(all).port, 4020)
})

test('every setting is in the page of settings, and nothing else is', () => {
  const page = readFileSync(new URL('../docs/reference/settings.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(QUITTANCE_\w+)`/gm)].map(([, name = '']) => name)
  assert.deepEqual(rows.toSorted(), settingNames.toSorted())
})
