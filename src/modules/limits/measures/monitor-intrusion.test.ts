import { it } from 'node:test'
import { testLimits } from '../../../../test/support/limits.ts'

// So small that few attempts are enough.
const { parts, prove } = testLimits({ attemptsPerAddress: 4, intrusionAt: 3 })

it('monitor.intrusion goes red when nobody watches', () => {
  const { watch } = parts()
  const { note } = watch
  return prove(
    'monitor.intrusion',
    () => {
      watch.note = async () => undefined
    },
    () => {
      watch.note = note
    },
    /events after/,
  )
})
