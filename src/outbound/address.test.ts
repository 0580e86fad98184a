// Which addresses a webhook may connect to, and that a name is judged by all that it resolves to.
import assert from 'node:assert/strict'
import type { lookup } from 'node:dns'
import { test } from 'node:test'

import { guardedLookup, isAllowed, reachOf } from './address.ts'

const publicOnes = [
  '8.8.8.8',
  '1.1.1.1',
  '172.15.0.1',
  '172.32.0.1',
  '2606:4700:4700::1111',
  '2a00:1450::1',
]

const others = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '::ffff:10.0.0.1',
  '::ffff:169.254.169.254',
  '64:ff9b::a00:1',
  '2001::1',
  '2001:db8::1',
  '2002:a00:1::1',
  'example.com',
]

test('only public addresses are allowed, unless loopback is meant', () => {
  for (const address of publicOnes) assert.equal(isAllowed(address, 'public'), true, address)
  for (const address of others) assert.equal(isAllowed(address, 'public'), false, address)
  assert.equal(isAllowed('127.0.0.1', 'loopback'), true)
  assert.equal(isAllowed('::1', 'loopback'), true)
  assert.equal(isAllowed('10.0.0.1', 'loopback'), false)
  assert.equal(isAllowed('8.8.8.8', 'loopback'), false)
})

test('loopback is meant where it is written, however it is written', () => {
  const reach = (url: string) => reachOf(new URL(url))
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]', '2130706433', '0x7f.1']) {
    assert.equal(reach(`http://${host}/`), 'loopback', host)
  }
  for (const host of [
    'example.com',
    'localhost.example.com',
    'localhost.',
    '10.0.0.1',
    '[fe80::1]',
  ]) {
    assert.equal(reach(`https://${host}/`), 'public', host)
  }
})

// What a resolver that somebody else controls answers.
const answering = (...addresses: string[]): typeof lookup =>
  ((_: string, __: object, done: (error: null, found: object[]) => void) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as typeof lookup // the one overload that is used

const ask = (all: boolean, ...addresses: string[]) =>
  new Promise((resolve) => {
    const guarded = guardedLookup('public', answering(...addresses))
    guarded('hook.example', { all }, (error, found) => resolve(error?.message ?? found))
  })

test('a name is refused whole if one of its addresses is not public', async () => {
  assert.equal(await ask(false, '8.8.8.8'), '8.8.8.8')
  assert.deepEqual(await ask(true, '8.8.8.8'), [{ address: '8.8.8.8', family: 4 }])
  for (const bad of ['127.0.0.1', '169.254.169.254', '::1', '10.0.0.1']) {
    for (const all of [true, false]) {
      const told = 'hook.example resolves to an address that is not public'
      assert.equal(await ask(all, '8.8.8.8', bad), told)
      assert.equal(await ask(all, bad), told)
    }
  }
})

test('a host of a private network is reached where it was named, metadata never', () => {
  for (const address of ['10.0.0.1', '192.168.1.1', '127.0.0.1', 'fd12::1', '8.8.8.8']) {
    assert.equal(isAllowed(address, 'private'), true, address)
  }
  for (const address of ['169.254.169.254', '0.0.0.0', 'fe80::1', '::', 'fd00:ec2::254', 'x']) {
    assert.equal(isAllowed(address, 'private'), false, address)
  }
  assert.equal(isAllowed('::ffff:169.254.169.254', 'private'), false)
})
