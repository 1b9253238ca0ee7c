import { defineProblem } from '../../kernel/problems.ts'

const busy = defineProblem({ code: 'sign-in-busy', status: 503, title: 'Too many sign-ins at this moment' })

/**
 * Runs at most `most` pieces of work at once; up to `waiting` more wait their turn, and the rest are refused at once
 * (Problem `sign-in-busy`, 503). Keeps a flood of sign-ins from taking the thread pool from everything else.
 */
export function openSlots(most: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let taken = 0
  return async (work) => {
    if (taken >= most) {
      if (queue.length >= waiting)
        throw busy('Try again in a few seconds.', { extensions: { retryAfter: 5 } })
      await new Promise<void>((turn) => queue.push(turn))
    } else taken += 1
    try {
      return await work()
    } finally {
      const next = queue.shift()
      // The slot goes straight to the one who waits, so that nobody overtakes.
      if (next) next()
      else taken -= 1
    }
  }
}
