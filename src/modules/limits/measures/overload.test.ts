import { it } from 'node:test'
import { testLimits } from '../../../../test/support/limits.ts'

const { parts, prove } = testLimits()

it('overload goes red when a flooding tenant is not slowed down', () => {
  const { limiter } = parts()
  const { admit } = limiter
  return prove(
    'overload',
    () => {
      limiter.admit = async () => []
    },
    () => {
      limiter.admit = admit
    },
    /A is refused/,
  )
})
