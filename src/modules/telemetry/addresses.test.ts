import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withoutAddresses } from './addresses.ts'

for (const address of [
  '203.0.113.77',
  '2001:db8::dead:beef',
  '2001:DB8:0:0:0:0:0:1',
  '::1',
  'fe80::1',
  '::ffff:203.0.113.77',
  '2001:db8::',
])
  for (const [before, after] of [
    ['', ''],
    ['from ', ' to'],
    ['from ', '.'],
    ['from ', ', port 443'],
    ['[', ']:443'],
    ['at:', ''],
    ['ip=', '&x=1'],
    ['https://', '/x'],
    ['"', '"'],
    ['(', ')'],
  ])
    it(`${before}${address}${after} is told without the address`, () =>
      assert.equal(withoutAddresses(`${before}${address}${after}`), `${before}[address]${after}`))

it('an IPv4 address goes with its port left', () =>
  assert.equal(
    withoutAddresses('connect ECONNREFUSED 203.0.113.77:5432'),
    'connect ECONNREFUSED [address]:5432',
  ))

for (const text of [
  'at 12:34:56.789',
  '2026-11-28T14:29:06.151Z',
  'version 1.2.3, or 1.2.3.4.5',
  'std: none',
  '{"traceId":"0af7651916cd43dd8448eb211c80319c","flags":257,"a":{"b":1.5}}',
  'file:///srv/a.ts:12:34',
])
  it(`${text} stays as it is`, () => assert.equal(withoutAddresses(text), text))
