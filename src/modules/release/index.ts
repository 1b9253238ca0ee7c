import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { runtime } from '../runtime/index.ts'
import { telemetry } from '../telemetry/index.ts'
import { releaseBefore } from './activations.ts'
import { compareWithDisk } from './compareWithDisk.ts'
import type { Running, Surroundings } from './goOver.ts'
import type { Layout } from './layout.ts'
import { deployCacheReload } from './measures/deploy-cache-reload.ts'
import { releaseRollback } from './measures/release-rollback.ts'
import type { ReleaseParts } from './parts.ts'
import { lookAt, readKept, runningProcesses, type Watched } from './sight.ts'
import { openTrial } from './trial.ts'

export { readActivations, releaseBefore } from './activations.ts'
export { bindDoor } from './bindDoor.ts'
export { findFlaws, hashOf } from './findFlaws.ts'
export { type Member, nodeOf } from './fleet.ts'
export { goOver } from './goOver.ts'
export { keepReleases } from './keepReleases.ts'
export { activeRelease, type Layout, layoutOf, listReleases } from './layout.ts'
export { pointTo } from './pointTo.ts'

/** What other parts may ask of it. */
export interface ReleaseApi {
  /** Milliseconds. */
  reloadWithin: number
  rollbackWithin: number
  /** The processes that are known to live. */
  running(): Promise<Running[]>
  /** Whether something keeps the processes here and follows the link. */
  isKept(): boolean
  /** For `goOver` of this deployment. */
  surroundings(layout: Layout, within: number, restart: () => Promise<void>): Surroundings
  parts: ReleaseParts
}

/** Milliseconds that a process may need to start. */
const START_MS = 5_000

/** Which build runs, how another one is gone over to, and the way back. */
export const release = defineModule({
  name: 'release',
  needs: { edge, runtime, telemetry },
  settings: z.object({
    /** After a release was activated, no process is of another one after this. */
    reloadWithin: duration.default(60_000),
    /** The release before is active again after this. */
    rollbackWithin: duration.default(300_000),
    /** Where the process that keeps the others says what runs. */
    keptFileName: z.string().optional(),
  }),
  contradictions({ reloadWithin }, { runtime }) {
    const { shutdownTimeout } = runtime as { shutdownTimeout: number }
    if (reloadWithin >= shutdownTimeout + START_MS) return []
    const settings = ['release.reloadWithin', 'runtime.shutdownTimeout']
    const why = 'a process may take the shutdown timeout to end, and its successor some seconds to start.'
    return [{ settings, why: `${why} Give the release that much.` }]
  },
  async start({ settings, clock, program }, { edge, telemetry }) {
    const { reloadWithin, rollbackWithin, keptFileName } = settings
    const kept = () => readKept(keptFileName)
    const watched: Watched = { processes: telemetry.processesOf(), edge, kept }
    const parts: ReleaseParts = {
      compareWithDisk: () => compareWithDisk(program.release, { watched, clock, within: reloadWithin }),
      openTrial: () => openTrial({ program, edge, telemetry, clock }),
      releaseBefore,
    }
    const api: ReleaseApi = {
      reloadWithin,
      rollbackWithin,
      running: () => runningProcesses(watched),
      isKept: () => kept() !== undefined,
      surroundings: (layout, within, restart) => ({
        layout,
        clock,
        within,
        restart,
        look: (asked) => lookAt(watched, asked),
      }),
      parts,
    }
    return {
      api,
      measures: [deployCacheReload({ reloadWithin }, parts), releaseRollback({ rollbackWithin }, parts)],
    }
  },
})
