import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { type Fleet, keepFleet, type Member } from './fleet.ts'
import { followLink } from './followLink.ts'
import { activeRelease, layoutOf } from './layout.ts'
import { pointTo } from './pointTo.ts'

/** What runs here, as the process that keeps the others tells it. */
export const keptState = z.object({
  /** Process id of the keeper. */
  keeper: z.number().int(),
  /** Folder of the release whose processes run. */
  release: z.string(),
  processes: z.array(z.object({ name: z.string(), pid: z.number().int(), build: z.string().optional() })),
  /** The release that was last asked for and did not become ready. */
  refused: z.object({ release: z.string(), why: z.string(), at: z.string() }).optional(),
})

export type KeptState = z.output<typeof keptState>

export interface Keeper {
  state(): KeptState
  stop(timeoutMs: number): Promise<void>
}

/**
 * Keeps the processes of the active release running. Where releases lie beside each other it follows the link: it goes
 * over to the release that the link leads to, and puts the link back when that one is not ready within `readyWithin` ms.
 * The link alone says what is wanted, so nobody has to be told and nothing is lost when somebody is killed.
 */
export function keepReleases(options: {
  members: readonly Member[]
  release: string
  readyWithin: number
  stopWithin: number
  clock: Clock
  log: (line: string) => void
  /** Called with the state whenever it is another. */
  tell: (state: KeptState) => void
}): Keeper {
  const { readyWithin, clock, log, tell } = options
  let refused: KeptState['refused']
  const stateOf = (of: Fleet): KeptState => ({
    keeper: process.pid,
    release: of.release(),
    processes: of.processes(),
    refused,
  })
  let fleet: Fleet | undefined
  const changed = () => fleet && tell(stateOf(fleet))
  const kept = keepFleet({ ...options, changed })
  fleet = kept
  changed()
  const layout = layoutOf(options.release)
  const goOver = async (to: string) => {
    if (to === kept.release()) return
    refused = undefined
    log(`Going over to ${to}`)
    try {
      await kept.replace(to, readyWithin)
      log(`All processes are of ${to}`)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      refused = { release: to, why, at: clock.now().toISOString() }
      log(`${to} was not taken: ${refused.why}`)
      if (layout && activeRelease(layout) === to) putBack(() => pointTo(layout, kept.release()), log)
    }
    changed()
  }
  const following = layout && followLink(layout.current, options.release, goOver)
  return {
    state: () => stateOf(kept),
    async stop(timeoutMs) {
      const followed = following?.stop()
      await kept.stop(timeoutMs)
      await followed
    },
  }
}

/** Whoever keeps the processes may not be allowed to change the link; `surety release activate` does it then. */
function putBack(back: () => void, log: (line: string) => void): void {
  try {
    back()
  } catch (error) {
    log(`The link was not put back: ${error instanceof Error ? error.message : error}`)
  }
}
