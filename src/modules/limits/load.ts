import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How much this process has to do. */
export interface Load {
  /** Whether one more request would be too much. */
  tooMuch(): boolean
  /** Counts a request until the returned function is called. */
  enter(): () => void
  stop(): void
}

/** The delay is that of the last second, so that an old stall does not keep refusing. */
const FORGET_EVERY = 1_000

/** `delay`: milliseconds that the event loop may be late at most (99th percentile). */
export function openLoad({ inFlight, delay }: { inFlight: number; delay: number }): Load {
  const histogram = monitorEventLoopDelay({ resolution: 20 })
  histogram.enable()
  const timer = setInterval(() => histogram.reset(), FORGET_EVERY).unref()
  let current = 0
  return {
    // The histogram counts its own resolution in.
    tooMuch: () => current >= inFlight || histogram.percentile(99) / 1e6 - 20 > delay,
    enter() {
      current += 1
      let left = false
      return () => {
        if (!left) current -= 1
        left = true
      }
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    },
  }
}
