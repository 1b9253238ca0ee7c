import type { Stores } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { ProofApi } from '../../proof/api.ts'
import type { Alerts, Channel } from './alerts.ts'
import type { Analytics } from './analytics.ts'
import { lookAtMeasures } from './brokenMeasures.ts'
import type { LogFiles } from './files.ts'
import type { Heads } from './heads.ts'
import { BEAT_EVERY, type LiveProcess, type Processes } from './processes.ts'
import type { TelemetrySettings } from './settings.ts'
import { type Beats, type Condition, look } from './watch.ts'

/** Processes that must be there; each watches the others, since none can tell of its own end. */
const WATCHED = ['serve', 'work']

interface WatchParts {
  /** This process. */
  self: LiveProcess
  processes: Processes
  settings: TelemetrySettings
  stores: Stores
  proof: ProofApi
  clock: Clock
  log: Log
  channels: readonly Channel[]
  files: LogFiles
  heads: Heads
  alerts: Alerts
  analytics: Analytics
  beats: Beats
}

/** Looks after the deployment while this process lives, if it is one of those that last. */
export function keepWatch(parts: WatchParts): { stop(): Promise<void> } {
  const { self, processes, settings, stores, proof, files, heads, alerts, analytics, beats } = parts
  const { channels, clock, log } = parts
  const { kind: name } = self
  const began = clock.now()
  const conditions: Condition[] = [
    { name: 'database-away', holds: async () => (await stores.ready()).database },
    { name: 'cache-away', holds: async () => (await stores.ready()).cache },
    ...WATCHED.map((kind) => ({ name: `no-${kind}`, holds: beats.alive(kind, settings.missedAfter, began) })),
  ]
  const turn = async () => {
    // One thing that fails must not keep the others from being looked at.
    for (const part of [
      () => beats.beat(name),
      () => look(conditions, alerts),
      // One kind of process does it: the one that runs probes.
      ...(name === 'work' ? [() => lookAtMeasures(proof, alerts)] : []),
      () => alerts.expire(settings.quietAfter),
      () => alerts.forget(settings.alarmsKeptFor),
      () => alerts.tell(channels),
      () => heads.keep(files),
      () => analytics.flush(),
      () => analytics.forget(),
    ])
      await part().catch((error: unknown) => log.error({ err: error }, 'a look was not finished'))
  }
  if (!WATCHED.includes(name)) return { stop: async () => undefined }
  let running: Promise<void> | undefined
  const start = () => {
    processes.beat(self).catch((error: unknown) => log.error({ err: error }, 'no sign of life was given'))
    running ??= turn().finally(() => {
      running = undefined
    })
  }
  start()
  // What was counted is written down at each turn too.
  const timer = setInterval(start, BEAT_EVERY).unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
      await processes.leave(self).catch((error: unknown) => log.error({ err: error }, 'leave was not taken'))
      await analytics.flush().catch((error: unknown) => log.error({ err: error }, 'visits were not counted'))
    },
  }
}
