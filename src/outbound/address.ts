// Where a webhook may go. Somebody who can set an address, or change what a name means, must not be
// able to make this machine talk to what only this machine can reach: what a name resolves to is
// judged right where the connection is made.
import type { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import type { LookupFunction } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** What is nobody's on the public internet (IANA's special-purpose registries); link-local has the
 * clouds' metadata services. IPv4 written as IPv6 is judged as IPv4. */
const notPublic = new BlockList()
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  notPublic.addSubnet(address, bits, 'ipv4')
}
// Teredo, documentation and 6to4: inside the one range that is public, and yet not.
for (const [address, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  notPublic.addSubnet(address, bits, 'ipv6')
}
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

/** `private`: the networks behind a firewall as well, for hosts that were configured by name. */
export type Reach = 'public' | 'loopback' | 'private'

/** Never meant by anybody: unspecified, link-local with the clouds' metadata, multicast, reserved. */
const nobodys = new BlockList()
nobodys.addSubnet('0.0.0.0', 8, 'ipv4')
nobodys.addSubnet('169.254.0.0', 16, 'ipv4')
nobodys.addSubnet('224.0.0.0', 3, 'ipv4')
nobodys.addAddress('::', 'ipv6')
nobodys.addAddress('fd00:ec2::254', 'ipv6')
nobodys.addSubnet('fe80::', 10, 'ipv6')
nobodys.addSubnet('ff00::', 8, 'ipv6')

export function isAllowed(address: string, reach: Reach): boolean {
  const version = isIP(address)
  if (version === 0) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (reach === 'loopback') return loopback.check(address, family)
  if (reach === 'private') return !nobodys.check(address, family)
  return (
    !notPublic.check(address, family) && (version === 4 || globalUnicast.check(address, family))
  )
}

/** A host as a URL has it. A name is looked up at each connection; a written address is judged now. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

/** Loopback is meant only where it is written. */
export function reachOf(url: URL): Reach {
  const host = hostOf(url)
  return host === 'localhost' || isAllowed(host, 'loopback') ? 'loopback' : 'public'
}

/** Resolves a name as the system does, and refuses it whole where one of its addresses is not allowed. */
export function guardedLookup(reach: Reach, lookup: typeof systemLookup): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return done(error, '', 0)
      if (!addresses.every(({ address }) => isAllowed(address, reach))) {
        return done(new Error(`${hostname} resolves to an address that is not ${reach}`), '', 0)
      }
      if (options.all === true) return done(null, addresses)
      return done(null, first.address, first.family)
    })
  }
}
