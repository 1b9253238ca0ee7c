import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Stores } from '../../../data/index.ts'
import type { Clock } from '../../../kernel/clock.ts'
import type { Log } from '../../../kernel/log.ts'
import { defineProblem, Problem } from '../../../kernel/problems.ts'
import type { PitrSettings } from '../settings.ts'
import { archiveNow } from './archive.ts'
import { backUpCluster, type ClusterBackup, dueKind, listClusterBackups } from './clusterBackups.ts'
import { pgBackRest } from './pgBackRest.ts'
import { archiveSettings, openPlace, type Place } from './place.ts'
import { type ClusterServer, connecting, describeServer } from './server.ts'

/** Backups of the whole cluster. They need the server that they are of on this machine. */
export interface Cluster {
  /** Where pgBackRest is; made at the first use. */
  place(): Place
  server(): Promise<ClusterServer>
  /** Makes one; full where there is none yet. */
  backUp(kind: 'full' | 'incr', onStep?: (step: string) => void, signal?: AbortSignal): Promise<ClusterBackup>
  /** Lets pgBackRest look at its configuration and at one segment of the log on its way. Throws Problems. */
  check(onStep: (step: string) => void): Promise<void>
  /** Makes what is due; to be called again and again. */
  due(signal: AbortSignal): Promise<void>
}

const notSet = defineProblem({
  code: 'pitr-server',
  status: 500,
  title: 'The database server does not archive its log',
})

/** A backup that failed is tried again after this (ms). */
const RETRY_AFTER = 300_000
/** What a killed process left in pgBackRest's folder is removed after this (ms). */
const ABANDONED_AFTER = 6 * 3_600_000
/** How long (ms) a segment of the log may be on its way. */
export const ARCHIVED_WITHIN = 60_000

/** Opens it; nothing is done before it is used. */
export function openCluster(parts: { stores: Stores; pitr: PitrSettings; clock: Clock; log: Log }): Cluster {
  const { stores, pitr, clock, log } = parts
  let opened: Place | undefined
  let restUntil = 0
  const place = (): Place => {
    opened ??= openPlace({ ...stores, pitr, log: (line) => log.warn(line) })
    return opened
  }
  const api: Cluster = {
    place,
    server: () => describeServer(stores),
    async backUp(kind, onStep, signal) {
      const options = { ...(onStep ? { onStep } : {}), ...(signal ? { signal } : {}) }
      return backUpCluster({ place: place(), stores, server: await api.server() }, kind, options)
    },
    async check(onStep) {
      const server = await api.server()
      onStep(`the database files are in ${server.cluster}`)
      demandArchiving(place(), server, pitr)
      const { args, password } = connecting(stores, server)
      await pgBackRest(place(), 'stanza-create', { args, password })
      onStep('the repository is there')
      await pgBackRest(place(), 'check', { args, password })
      onStep(`${await archiveNow(stores, ARCHIVED_WITHIN)} of the log went into the repository`)
    },
    async due(signal) {
      if (clock.now().getTime() < restUntil) return
      try {
        removeAbandoned(place().home, clock.now())
        const kind = dueKind(await listClusterBackups(place()), pitr, clock.now())
        if (kind) await api.backUp(kind, undefined, signal)
      } catch (error) {
        if (signal.aborted || (error instanceof Problem && error.code === 'pitr-busy')) return
        restUntil = clock.now().getTime() + RETRY_AFTER
        log.error({ err: error }, 'no backup of the cluster made')
      }
    },
  }
  return api
}

/** Whether the server hands its log to pgBackRest, as often as promised. */
export const isArchiving = (
  { archiveMode, archiveCommand, archiveEvery }: ClusterServer,
  promised: Pick<PitrSettings, 'archiveEvery'>,
): boolean =>
  archiveMode !== 'off' &&
  /\bpgbackrest\b.*\barchive-push\b/.test(archiveCommand) &&
  archiveEvery > 0 &&
  archiveEvery <= Math.max(promised.archiveEvery, 1_000)

/** Throws a Problem `pitr-server` that says what belongs into postgresql.conf. */
function demandArchiving(place: Place, server: ClusterServer, pitr: PitrSettings): void {
  if (!isArchiving(server, pitr))
    throw notSet(
      `Put this into its postgresql.conf and restart it:\n${linesFor(place, server.cluster, pitr)}`,
    )
}

/** What belongs into the postgresql.conf of a server that somebody else starts. */
export function linesFor(place: Place, cluster: string, pitr: PitrSettings): string {
  return Object.entries(archiveSettings(place, cluster, pitr))
    .map(
      ([name, value]) =>
        `${name} = ${value === true ? 'on' : typeof value === 'number' ? value : `'${value}'`}`,
    )
    .join('\n')
}

function removeAbandoned(home: string, now: Date): void {
  for (const name of readdirSync(home)) {
    const id = /^(recovery|proof)-([0-9a-f-]{36})$/.exec(name)?.[2]
    if (id && now.getTime() - Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) > ABANDONED_AFTER)
      rmSync(join(home, name), { recursive: true, force: true })
  }
}
