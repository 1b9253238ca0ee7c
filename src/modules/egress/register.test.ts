import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { it } from 'node:test'
import { rootCertificates } from 'node:tls'
import { pinOf } from './pins.ts'
import { FIRST_REGISTER, pinsToRenew, registerSchema } from './register.ts'

const register = registerSchema.parse(FIRST_REGISTER)

it('the pins of the first register are keys of authorities that Node trusts', () => {
  const roots = new Set(rootCertificates.map((pem) => pinOf(new X509Certificate(pem))))
  for (const { name, pins } of register)
    assert.deepEqual(pins?.pins.filter((pin) => !roots.has(pin)) ?? [], [], name)
})

it('agreed keys need a backup and a day on which they end', () => {
  const [apple] = register.filter(({ pins }) => pins)
  const single = { ...apple, pins: { ...apple?.pins, pins: apple?.pins?.pins.slice(0, 1) } }
  assert.equal(registerSchema.safeParse([single]).success, false)
  const endless = { ...apple, pins: { pins: apple?.pins?.pins } }
  assert.equal(registerSchema.safeParse([endless]).success, false)
})

it('a register names hosts, not addresses or patterns', () => {
  for (const host of [
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '[::1]',
    '*.example.com',
    'Example.com',
    'a.example:443',
  ])
    assert.equal(registerSchema.safeParse([{ ...register[0], hosts: [host] }]).success, false, host)
})

it('pins are renewed before they end', () => {
  const [first] = register.flatMap(({ pins }) => pins?.until ?? [])
  const before = (days: number) => new Date(Date.parse(first as string) - days * 86_400_000)
  const month = 30 * 86_400_000
  assert.deepEqual(pinsToRenew(register, before(31), month), [])
  assert.deepEqual(pinsToRenew(register, before(29), month), ['Apple Inc.', 'Google LLC'])
})
