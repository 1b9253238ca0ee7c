import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { sweepIncoming } from '../../data/filestore.ts'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { tenancy } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import type { Walls } from './confinement.ts'
import { behindKernel, whyNoKernelWall } from './kernelWall.ts'
import { filestoreIsolationEscape } from './measures/filestore-isolation-escape.ts'
import { filestoreLayout } from './measures/filestore-layout.ts'
import { underPermissions } from './permissions.ts'
import { noSandbox } from './problems.ts'
import { openRun, type Run } from './run.ts'
import { openTurns } from './turns.ts'

export { whyNoKernelWall } from './kernelWall.ts'
export type { Given } from './worker.ts'

/** Milliseconds after which a part of an upload is surely of one that was interrupted. */
const INTERRUPTED_AFTER = 24 * 3_600_000

/** What other modules get from media. */
export interface MediaApi {
  run: Run
  /** What stands between workers and everybody else; a test may break it. */
  walls: Walls
}

/** Tenants' files: where they lie, that nothing leads from one tenant's to another's, and where foreign ones are read. */
export const media = defineModule({
  name: 'media',
  needs: { stores, tenancy, vault },
  settings: z.object({
    /**
     * What confines the processes that read what tenants uploaded: `kernel`, namespaces by bubblewrap and Node's
     * permissions inside; or `runtime`, Node's permissions alone, which hold mistakes but no attacker.
     */
    sandbox: z.enum(['kernel', 'runtime']).default('kernel'),
    /** How many of them this process runs at a time; as many as there are cores unless it is said. */
    atOnce: z.number().int().min(1).max(64).optional(),
  }),
  async start({ settings, log }, { stores, tenancy, vault }) {
    const { sandbox, atOnce = availableParallelism() } = settings
    const why = sandbox === 'kernel' ? await whyNoKernelWall() : null
    if (why)
      throw noSandbox(
        `${why} Make it work (see docs/guide/foreign-files.md), or set media.sandbox to "runtime", which promises less.`,
      )
    // Where work is done, not where requests are answered.
    if (stores.migrator)
      for (const { slug } of await tenancy.list())
        await sweepIncoming({ root: stores.files, folder: slug }, INTERRUPTED_AFTER)
    const ending = new AbortController()
    const walls: Walls = {
      permissions: underPermissions,
      kernel: sandbox === 'kernel' ? behindKernel : null,
    }
    const secrets = [stores.files, stores.secrets]
    const api: MediaApi = {
      run: openRun({ walls, turns: openTurns(atOnce), secrets, ending: ending.signal, log }),
      walls,
    }
    const canaries = tenancy.canaries.open
    return {
      api,
      measures: [
        filestoreLayout(stores.files, canaries),
        filestoreIsolationEscape({ sandbox, walls, stores, vault, canaries }),
      ],
      async stop() {
        ending.abort(new Error('This process ends.'))
      },
    }
  },
})
