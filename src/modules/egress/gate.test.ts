import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Decision, openGate } from './decide.ts'
import type { Register } from './register.ts'

const register: Register = [
  {
    name: 'Payments',
    purpose: 'payments',
    country: 'NL',
    hosts: ['pay.example'],
    port: 443,
    modules: ['billing'],
  },
]

const OUTWARD = '198.41.0.4'

function decide(
  target: string,
  {
    caller = 'billing/-/pay',
    addresses = [OUTWARD],
    reportOnly = false,
    allowedNetworks = [] as string[],
  } = {},
): Promise<Decision> {
  return openGate({ register, allowedNetworks, reportOnly, resolve: async () => addresses }).locate(
    target,
    caller,
  )
}

const outcome = async (deciding: Promise<Decision>) => {
  const { verdict, reason } = await deciding
  return `${verdict}: ${reason}`
}

it('connects to the addresses that were judged, never to the name', async () => {
  const { addresses, verdict } = await decide('pay.example:443', {
    addresses: [OUTWARD, '2001:503:ba3e::2:30'],
  })
  assert.deepEqual([verdict, addresses], ['allowed', [OUTWARD, '2001:503:ba3e::2:30']])
})

it('looks a name up once, so that a second answer changes nothing', async () => {
  const answers = [[OUTWARD], ['127.0.0.1']]
  let asked = 0
  const resolve = async () => answers[asked++] ?? []
  const gate = openGate({ register, allowedNetworks: [], reportOnly: false, resolve })
  const { addresses } = await gate.locate('pay.example:443', 'billing/-/pay')
  assert.deepEqual([addresses, asked], [[OUTWARD], 1])
})

it('takes a name as its owner writes it or as the DNS does', async () => {
  for (const target of ['PAY.example:443', 'pay.example.:443', 'ｐay.example:443'])
    assert.equal(await outcome(decide(target)), 'allowed: registered', target)
})

it('refuses other hosts, ports, modules and nonsense', async () => {
  for (const [target, reason] of [
    ['other.example:443', 'not-registered'],
    ['pay.example.evil.example:443', 'not-registered'],
    ['pay.example:80', 'not-registered'],
    [`${OUTWARD}:443`, 'not-registered'],
    ['[2001:503:ba3e::2:30]:443', 'not-registered'],
    ['pay.example', 'malformed'],
    ['pay.example:443/path', 'malformed'],
    ['user@pay.example:443', 'malformed'],
    ['[pay.example]:443', 'malformed'],
    ['pay.example:0', 'malformed'],
    ['pay.example:65536', 'malformed'],
  ] as const)
    assert.equal(await outcome(decide(target)), `refused: ${reason}`, target)
  assert.equal(await outcome(decide('pay.example:443', { caller: 'push/-/x' })), 'refused: other-module')
})

it('only reports what is not registered where settings say so', async () => {
  assert.equal(await outcome(decide('other.example:443', { reportOnly: true })), 'reported: not-registered')
})

it('refuses private addresses also then, unless their network is allowed', async () => {
  for (const address of [
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '64:ff9b::a01:203',
    'fe80::1',
    '::',
    '2002:a01:203::1',
  ]) {
    const addresses = [OUTWARD, address]
    for (const reportOnly of [true, false]) {
      const decided = decide('pay.example:443', { addresses, reportOnly })
      assert.equal(await outcome(decided), 'refused: private-address', address)
    }
  }
  const allowed = decide('pay.example:443', { addresses: ['10.1.2.3'], allowedNetworks: ['10.1.0.0/16'] })
  assert.equal(await outcome(allowed), 'allowed: registered')
})
