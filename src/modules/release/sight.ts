import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { isRunning } from '../../kernel/isRunning.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { Processes } from '../telemetry/index.ts'
import type { Running, Sight } from './goOver.ts'
import { type KeptState, keptState } from './keepReleases.ts'

const health = z.object({ build: z.string() })

/** What is looked at: signs of life, the front door (at `port`, if it is another's), and who keeps the processes. */
export interface Watched {
  processes: Processes
  edge: EdgeApi
  port?: number
  kept(): KeptState | undefined
}

/** Each process that is known to live. One that keeps and one that beats may be the same. */
export async function runningProcesses({ processes, kept }: Watched): Promise<Running[]> {
  const beating = await processes.live()
  const keeping = kept()?.processes ?? []
  return [
    ...beating.map(({ kind, build }) => ({ kind, build })),
    ...keeping.flatMap(({ name, build }) => (build === undefined ? [] : [{ kind: name, build }])),
  ]
}

export async function lookAt(watched: Watched, asked: { release: string; at: Date }): Promise<Sight> {
  const running = await runningProcesses(watched)
  const { refused } = watched.kept() ?? {}
  const isNews = refused?.release === asked.release && refused.at >= asked.at.toISOString()
  return {
    running,
    door: await buildAtDoor(watched),
    refused: isNews ? refused.why : undefined,
  }
}

/** The build that /healthz says; undefined when nobody answers. */
export async function buildAtDoor({
  edge,
  port,
}: Pick<Watched, 'edge' | 'port'>): Promise<string | undefined> {
  const at = port === undefined ? {} : { port }
  const answer = await edge.request({ host: edge.trustHost, path: '/healthz', ...at }).catch(() => undefined)
  if (answer?.status !== 200) return undefined
  return health.safeParse(JSON.parse(answer.body)).data?.build
}

/** What the process that keeps the others wrote down; undefined when there is none or it is gone. */
export function readKept(file: string | undefined): KeptState | undefined {
  if (!file || !existsSync(file)) return undefined
  const parsed = keptState.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  return parsed.success && isRunning(parsed.data.keeper) ? parsed.data : undefined
}
