import { it } from 'node:test'
import { testLimits } from '../../../../test/support/limits.ts'

const { parts, prove } = testLimits()

it('ip.normalise goes red when an address counts as it is written', () => {
  const { hasher } = parts()
  const { hash } = hasher
  let n = 0
  return prove(
    'ip.normalise',
    () => {
      hasher.hash = (text) => hash(`${text}${text.endsWith('/64') ? n++ : ''}`)
    },
    () => {
      hasher.hash = hash
    },
    /another address of its \/64/,
  )
})
