import { setTimeout as sleep } from 'node:timers/promises'
import { crashThrough, createLog, type Log } from '../kernel/log.ts'
import { Problem } from '../kernel/problems.ts'
import { sayReady } from '../kernel/readiness.ts'
import { jobs } from '../modules/jobs/index.ts'
import { type Platform, startPlatform } from './platform.ts'
import { dieWithParent } from './process/dieWithParent.ts'

/** How often (ms) the schedule looks for proofs that are about to go stale. */
const LOOK_EVERY = 10_000

/** Milliseconds that the first probes wait for the front door, which most of them attack. */
const DOOR_WITHIN = 60_000
const KNOCK_EVERY = 500

/** What is red, or could not be looked at, is looked at again after this (ms): a repair shows soon. */
const RED_AGAIN = 300_000

/** The part of the shutdown cap that running jobs get to finish; the rest is for putting them back. */
const PATIENCE = 0.7

/**
 * The process that runs jobs, and probes on schedule: each when half of its freshness is over. Ends after the probe and
 * the jobs under way.
 */
export async function work({ jobsOnly = false }: { jobsOnly?: boolean }): Promise<void> {
  const log = createLog({ name: 'work', level: process.env.LOG_LEVEL ?? 'warn' })
  crashThrough(log)
  const platform = await startPlatform({ log, environment: process.env })
  const stopping = new AbortController()
  if (!jobsOnly) await keepDemo(platform)
  await platform.api(jobs).work()
  sayReady(platform.build)
  const schedule = jobsOnly ? undefined : runSchedule(platform, stopping.signal, log)
  dieWithParent(async () => {
    stopping.abort()
    await Promise.all([schedule, platform.api(jobs).drain(platform.shutdownTimeout * PATIENCE)])
    await platform.stop()
  }, platform.shutdownTimeout)
}

async function runSchedule(platform: Platform, stopping: AbortSignal, log: Log): Promise<void> {
  await doorOpens(platform, stopping)
  while (!stopping.aborted) {
    await keepSpares(platform).catch((error: unknown) => log.error({ err: error }, 'no spare made'))
    for (const key of await dueMeasures(platform)) {
      if (stopping.aborted) return
      await platform.proof.run(key).catch((error: unknown) => log.error({ err: error, key }, 'probe not run'))
    }
    await sleep(LOOK_EVERY, undefined, { signal: stopping }).catch(() => undefined)
  }
}

/** Both processes start at once; a probe that finds nobody at home proves nothing. */
async function doorOpens({ edge }: Platform, stopping: AbortSignal): Promise<void> {
  const ready = () =>
    edge.request({ host: edge.trustHost, path: '/readyz' }).then(
      ({ status }) => status === 200,
      () => false,
    )
  for (let left = DOOR_WITHIN; left > 0 && !stopping.aborted && !(await ready()); left -= KNOCK_EVERY)
    await sleep(KNOCK_EVERY, undefined, { signal: stopping }).catch(() => undefined)
}

async function dueMeasures({ proof }: Platform): Promise<string[]> {
  const { measures } = await proof.results()
  const freshFor = new Map(proof.measures().map((measure) => [measure.key, measure.freshFor]))
  return measures
    .filter(({ key, checkedAt, outcome }) => {
      const half = (freshFor.get(key) ?? 0) / 2
      const isRed = outcome === 'error' || outcome === 'failed'
      const again = isRed ? Math.min(half, RED_AGAIN) : half
      return !checkedAt || Date.now() - Date.parse(checkedAt) > again
    })
    .map(({ key }) => key)
}

/** Makes the app's demo tenants that are missing, of the isolation models that the settings offer. */
async function keepDemo(platform: Platform): Promise<void> {
  const { demo } = platform.app
  const { models } = platform.settings.tenancy as { models: readonly string[] }
  for (const tenant of (demo?.tenants ?? []).filter(({ model }) => models.includes(model))) {
    const hosts = [`${tenant.slug}.${platform.tenancy.baseDomain}`]
    await platform.tenancy.create({ ...tenant, hosts }).catch((error: unknown) => {
      if (!(error instanceof Problem && error.code === 'tenant-exists')) throw error
    })
    await demo?.seed(await platform.tenancy.bySlug(tenant.slug))
  }
}

/** A tenant in a database of its own is made from one that is already there. */
async function keepSpares({ settings, tenancy }: Platform): Promise<void> {
  const { models, spares } = settings.tenancy as { models: readonly string[]; spares: number }
  if (models.includes('database')) await tenancy.keepSpares(spares)
}
