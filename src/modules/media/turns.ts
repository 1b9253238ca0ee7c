import { busy } from './problems.ts'

/** Who may run now: `take` waits for a turn and resolves to what gives it back. */
export interface Turns {
  /** Throws a Problem `sandbox-busy` when too many of this tenant wait already, or the signal's reason. */
  take(tenantId: string, signal: AbortSignal): Promise<() => void>
}

interface Waiting {
  tenantId: string
  go(): void
}

/** How many of one tenant may wait. */
const MOST_WAITING = 32

/** Lets `atOnce` run at a time. Those of the tenant that has the fewest come first, and none has all the turns. */
export function openTurns(atOnce: number): Turns {
  const most = Math.max(1, atOnce - 1)
  const running = new Map<string, number>()
  const waiting: Waiting[] = []
  const of = (tenantId: string) => running.get(tenantId) ?? 0

  const next = () => {
    const total = [...running.values()].reduce((sum, one) => sum + one, 0)
    if (total >= atOnce) return
    const [first] = waiting
      .filter(({ tenantId }) => of(tenantId) < most)
      .sort((a, b) => of(a.tenantId) - of(b.tenantId))
    if (!first) return
    waiting.splice(waiting.indexOf(first), 1)
    running.set(first.tenantId, of(first.tenantId) + 1)
    first.go()
  }

  const giveBack = (tenantId: string) => {
    const left = of(tenantId) - 1
    if (left > 0) running.set(tenantId, left)
    else running.delete(tenantId)
    next()
  }

  return {
    async take(tenantId, signal) {
      signal.throwIfAborted()
      if (waiting.filter((one) => one.tenantId === tenantId).length >= MOST_WAITING)
        throw busy('Too many of your files wait to be read: try again shortly.')
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const place = { tenantId, go: resolve }
      const leave = () => {
        const at = waiting.indexOf(place)
        if (at >= 0) waiting.splice(at, 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(place)
      next()
      await promise.finally(() => signal.removeEventListener('abort', leave))
      return () => giveBack(tenantId)
    },
  }
}
