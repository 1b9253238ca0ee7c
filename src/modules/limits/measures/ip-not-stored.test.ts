import { it } from 'node:test'
import { testLimits } from '../../../../test/support/limits.ts'

const { parts, platform, prove } = testLimits()

it('ip.not-stored goes red when refused attempts are noted with their address', () => {
  const { watch, hasher } = parts()
  const { note } = watch
  const { hash } = hasher
  const { redis } = platform().stores
  let last = ''
  return prove(
    'ip.not-stored',
    () => {
      hasher.hash = (text) => {
        if (!text.includes('|')) last = text
        return hash(text)
      }
      watch.note = async () => void (await redis.set('noted', last, 'EX', 30))
    },
    async () => {
      hasher.hash = hash
      watch.note = note
      await redis.del('noted')
    },
    /hold the address of a visitor/,
  )
})
