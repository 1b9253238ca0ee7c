import { setTimeout as sleep } from 'node:timers/promises'

/** What came of asking again and again: the builds that answered, each once, and the requests that nobody answered. */
export interface Asked {
  builds: string[]
  failed: number
}

const PAUSE = 20

/** Asks one request after the other, each over a connection of its own, until `stop`. */
export function keepAsking(ask: () => Promise<string | undefined>): { stop(): Promise<Asked> } {
  const builds = new Set<string>()
  let failed = 0
  let stopped = false
  const asking = (async () => {
    while (!stopped) {
      const build = await ask()
      if (build === undefined) failed += 1
      else builds.add(build)
      await sleep(PAUSE)
    }
  })()
  return {
    async stop() {
      stopped = true
      await asking
      return { builds: [...builds].sort(), failed }
    },
  }
}
