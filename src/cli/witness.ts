import { resolve } from 'node:path'
import { systemClock } from '../kernel/clock.ts'
import { serveWitness } from '../proof/witness/serve.ts'
import { dieWithParent } from './process/dieWithParent.ts'

/** How a witness is started. */
interface WitnessOptions {
  folder: string
  listen: string
  name: string
  logKey: string[]
}

/** Remembers logs and cosigns what continues them, until it is told to end. Best run by somebody else, somewhere else. */
export async function witness({ folder, listen, name, logKey }: WitnessOptions): Promise<void> {
  const served = await serveWitness({
    folder: resolve(folder),
    listen,
    name,
    logKeyFiles: logKey.map((file) => resolve(file)),
    clock: systemClock,
  })
  // `surety up` has other things to say.
  if (!process.send) console.log(`Witness ${served.key} listens at ${listen}`)
  dieWithParent(served.close)
}
