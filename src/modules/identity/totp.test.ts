import assert from 'node:assert/strict'
import { it } from 'node:test'
import { base32, matchingStep, stepOf, totpCode } from './totp.ts'

const SECRET = Buffer.from('12345678901234567890')

it('gives the codes of RFC 6238, appendix B', () => {
  const known = {
    59: '94287082',
    1111111109: '07081804',
    1111111111: '14050471',
    1234567890: '89005924',
    2000000000: '69279037',
    20000000000: '65353130',
  }
  for (const [seconds, code] of Object.entries(known))
    assert.equal(totpCode(SECRET, stepOf(new Date(Number(seconds) * 1000)), 8), code)
})

it('takes a code of the steps beside it, and none that is used, older, later or malformed', () => {
  const at = new Date(1_700_000_000_000)
  const step = stepOf(at)
  for (const near of [step - 1, step, step + 1])
    assert.equal(matchingStep(SECRET, totpCode(SECRET, near), at, 0), near)
  for (const far of [step - 2, step + 2])
    assert.equal(matchingStep(SECRET, totpCode(SECRET, far), at, 0), undefined)
  assert.equal(matchingStep(SECRET, totpCode(SECRET, step), at, step), undefined)
  for (const code of ['', '12345', '1234567', ' 12345', '١٢٣٤٥٦'])
    assert.equal(matchingStep(SECRET, code, at, 0), undefined)
})

it('writes base32 as RFC 4648 does', () => {
  for (const [text, code] of [
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ] as const)
    assert.equal(base32(Buffer.from(text)), code)
})
