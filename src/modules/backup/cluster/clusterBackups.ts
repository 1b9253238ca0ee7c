import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Stores } from '../../../data/index.ts'
import type { PitrSettings } from '../settings.ts'
import { percentOf } from './percentOf.ts'
import { pgBackRest } from './pgBackRest.ts'
import type { Place } from './place.ts'
import { type ClusterServer, connecting } from './server.ts'

/** One backup of the whole cluster. */
export interface ClusterBackup {
  label: string
  /** `full`, or only what changed since another one. */
  kind: 'full' | 'incr' | 'diff'
  startedAt: Date
  endedAt: Date
  /** Bytes in the repository. */
  bytes: number
  /** The first segment of the log that it needs. */
  firstSegment: string
}

const Info = z.array(
  z.object({
    backup: z.array(
      z.object({
        label: z.string(),
        type: z.enum(['full', 'incr', 'diff']),
        timestamp: z.object({ start: z.number(), stop: z.number() }),
        info: z.object({ repository: z.object({ delta: z.number() }) }),
        archive: z.object({ start: z.string() }),
      }),
    ),
    status: z.object({
      code: z.number(),
      lock: z.object({ backup: z.object({ held: z.boolean() }) }),
    }),
  }),
)

/** What `info` calls a stanza that is not there yet. */
const NO_STANZA = 1

/** What lies in the repository. Needs no database. */
export async function listClusterBackups(place: Place): Promise<ClusterBackup[]> {
  const { backup = [] } = (await readInfo(place)) ?? {}
  return backup.map(({ label, type, timestamp, info, archive }) => ({
    label,
    kind: type,
    startedAt: new Date(timestamp.start * 1_000),
    endedAt: new Date(timestamp.stop * 1_000),
    bytes: info.repository.delta,
    firstSegment: archive.start,
  }))
}

/** Resolves once no backup is being made. */
export async function untilIdle(place: Place, signal: AbortSignal): Promise<void> {
  while ((await readInfo(place))?.status.lock.backup.held) await sleep(1_000, undefined, { signal })
}

async function readInfo(place: Place) {
  const [stanza] = Info.parse(JSON.parse(await pgBackRest(place, 'info', { args: ['--output=json'] })))
  return stanza && stanza.status.code !== NO_STANZA ? stanza : undefined
}

/** Which kind is due; undefined when none is. */
export function dueKind(
  backups: readonly ClusterBackup[],
  { fullEvery, incrementalEvery }: PitrSettings,
  now: Date,
): 'full' | 'incr' | undefined {
  const since = (list: readonly ClusterBackup[]) => now.getTime() - (list.at(-1)?.startedAt.getTime() ?? 0)
  if (since(backups.filter(({ kind }) => kind === 'full')) >= fullEvery) return 'full'
  return since(backups) >= incrementalEvery ? 'incr' : undefined
}

/**
 * Makes a backup of the whole cluster and removes what the window no longer needs. Makes the repository's own files first
 * when they are not there. Throws Problems `pitr-busy` and `pitr-failed`.
 */
export async function backUpCluster(
  { place, stores, server }: { place: Place; stores: Stores; server: ClusterServer },
  kind: 'full' | 'incr',
  { onStep, signal }: { onStep?: (step: string) => void; signal?: AbortSignal } = {},
): Promise<ClusterBackup> {
  const { args, password } = connecting(stores, server)
  const common = { password, signal, ...(onStep ? { onLine: percentOf('copied', onStep) } : {}) }
  await pgBackRest(place, 'stanza-create', { args, password, signal })
  await pgBackRest(place, 'backup', { ...common, args: [...args, `--type=${kind}`] })
  return (await listClusterBackups(place)).at(-1) as ClusterBackup
}
