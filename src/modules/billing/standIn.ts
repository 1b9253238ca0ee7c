import { setTimeout as sleep } from 'node:timers/promises'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'
import { openMolliePeer } from './peer.ts'

/** The name under which it is reached, on this machine alone. */
export const STAND_IN_HOST = 'localhost'

const TRIES = 10
const PAUSE = 1_000

/** Makes the authority of its certificate in `folder` and returns the authority's file. */
export async function keepStandInAuthority(folder: string): Promise<string> {
  await keepLocalAuthority(folder)
  return authorityFile(folder)
}

/**
 * Stands in for Mollie where there is no account: answers what is asked of Mollie, says what it is told to, and sends
 * notifications by `notify` until they are acknowledged (resolve to true), as Mollie does. It remembers nothing.
 */
export async function serveStandIn(options: {
  folder: string
  key: string
  port: number
  notify(id: string): Promise<boolean>
}): Promise<{ close(): Promise<void> }> {
  const { folder, key, port, notify } = options
  const ended = new AbortController()
  const send = async (id: string) => {
    for (let left = TRIES; left > 0 && !ended.signal.aborted; left--) {
      if (await notify(id).catch(() => false)) return
      await sleep(PAUSE, undefined, { signal: ended.signal }).catch(() => undefined)
    }
  }
  const leaf = await openLocalAuthority(folder).certificateFor(STAND_IN_HOST)
  // Mollie tells of payments alone; that a subscription ended must be asked for.
  const onTold = (id: string) => void (id.startsWith('tr_') && send(id))
  const peer = await openMolliePeer({ key, leaf, port, onTold })
  return {
    async close() {
      ended.abort()
      await peer.close()
    },
  }
}
