import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { networkOf, openClientAddress } from './address.ts'

describe('the network that counts', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff::', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['192.0.2.7:443', 'unreadable'],
    ['unknown', 'unreadable'],
    ['', 'unreadable'],
  ] as const) {
    it(`of "${address}" is ${network}`, () => assert.equal(networkOf(address), network))
  }
})

describe('where a request comes from', () => {
  const request = (remoteAddress: string, forwarded?: string) =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage
  const behind = openClientAddress(['10.0.0.0/8', '::1/128'])
  for (const [what, address, expected] of [
    [
      'nobody is trusted: the connection',
      openClientAddress([])(request('10.0.0.1', '192.0.2.7')),
      '10.0.0.1',
    ],
    ['a stranger names another', behind(request('198.51.100.1', '192.0.2.7')), '198.51.100.1'],
    ['the proxy names the client', behind(request('10.0.0.1', '192.0.2.7')), '192.0.2.7'],
    ['the proxy connects by IPv6', behind(request('::1', '192.0.2.7')), '192.0.2.7'],
    ['the proxy connects by mapped IPv4', behind(request('::ffff:10.0.0.1', '192.0.2.7')), '192.0.2.7'],
    [
      'the client lies, the proxy appends',
      behind(request('10.0.0.1', '203.0.113.1, 192.0.2.7')),
      '192.0.2.7',
    ],
    ['two proxies', behind(request('10.0.0.1', '203.0.113.1, 192.0.2.7, 10.0.0.2')), '192.0.2.7'],
    ['the proxy says nothing', behind(request('10.0.0.1')), '10.0.0.1'],
  ] as const) {
    it(what, () => assert.equal(address, expected))
  }
})
