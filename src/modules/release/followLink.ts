import { realpathSync } from 'node:fs'

/** Milliseconds between two looks. A watch would tell sooner, but not on every file system. */
const LOOK_EVERY = 200

/** Calls `moved` with the folder that `link` leads to, each time it leads elsewhere than before; one call at a time. */
export function followLink(
  link: string,
  from: string,
  moved: (to: string) => Promise<void>,
): { stop(): Promise<void> } {
  let known = from
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    const to = leadsTo(link)
    if (running || to === undefined || to === known) return
    known = to
    running = moved(to).finally(() => {
      running = undefined
    })
  }, LOOK_EVERY)
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}

function leadsTo(link: string): string | undefined {
  try {
    return realpathSync(link)
  } catch {
    return undefined
  }
}
