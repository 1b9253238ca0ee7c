import { it } from 'node:test'
import { testLimits } from '../../../../test/support/limits.ts'

const { parts, prove } = testLimits()

it('ip.hmac goes red when buckets are named by the address', () => {
  const { hasher } = parts()
  const { hash } = hasher
  return prove(
    'ip.hmac',
    () => {
      hasher.hash = (text) => text
    },
    () => {
      hasher.hash = hash
    },
    /named by the address/,
  )
})
