import { setTimeout as sleep } from 'node:timers/promises'
import type { Stores } from '../../data/index.ts'

/** Removes alerts that a probe raised. */
export const dropCanary = (stores: Stores, names: readonly string[]): Promise<unknown> =>
  stores.asMigrator('a probe removes the alerts it raised', (client) =>
    client.query('DELETE FROM telemetry.alert WHERE canary AND name = ANY($1)', [names]),
  )

/** What `ask` gives once it is `enough`, or after `within` ms. */
export async function settled<T>(
  ask: () => Promise<T>,
  enough: (answer: T) => boolean,
  within: number,
): Promise<T> {
  const end = performance.now() + within
  for (;;) {
    const answer = await ask()
    if (enough(answer) || performance.now() > end) return answer
    await sleep(50)
  }
}
