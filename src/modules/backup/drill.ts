import { isDeepStrictEqual } from 'node:util'
import { openFilestore } from '../../data/filestore.ts'
import { newId } from '../../kernel/ids.ts'
import type { Program } from '../../kernel/module.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { Tenant, TenantRecord } from '../tenancy/index.ts'
import { bootCopy, tryOutbound } from './boot.ts'
import type { BackupRecord } from './catalogue.ts'
import { type DrillCheck, type DrillReport, noteDrill } from './drillLog.ts'
import { type Ask, readSurface, sampleAnswers } from './listen.ts'
import { type Manifest, measureAll, readManifest } from './manifest.ts'
import { type RestoreParts, restoreInto } from './restore.ts'
import { describeTarget } from './source.ts'
import { dropTrial, makeTrial } from './trial.ts'

export const nothingToDrill = defineProblem({
  code: 'drill-no-backup',
  status: 409,
  title: 'There is no backup to try',
})

/** What drills are made with. */
export interface DrillParts extends RestoreParts {
  edge: EdgeApi
  program: Program
  backUp(tenant: TenantRecord): Promise<BackupRecord>
}

/** The booted copy of a restored tenant while it still runs. */
export interface Rehearsal {
  trial: Tenant
  restored: Ask
  /** Compares the answers of the restored tenant with those that are expected; paths that differ. */
  differing(): Promise<string[]>
}

/** Phases whose time grows with the size of a tenant. */
const SIZED = ['load', 'verify', 'take over rows', 'take over files']

/**
 * Restores the newest backup of `tenant` into a tenant made for it, boots the same build there with nothing going out,
 * and compares: API surface, answers, rows, files. Measures every phase, keeps the report, and leaves nothing behind. A
 * drill that fails is a report too, not an error. `whileBooted` runs last, before the copy is ended.
 */
export async function drill(
  parts: DrillParts,
  tenant: TenantRecord,
  whileBooted: (rehearsal: Rehearsal) => Promise<void> = async () => undefined,
): Promise<DrillReport> {
  const startedAt = parts.clock.now()
  const [newest] = await parts.catalogue.available(tenant.id)
  if (!newest) throw nothingToDrill(`${tenant.slug} has no backup yet.`)
  const backup = await comparable(parts, tenant, newest)
  const run = openRun()
  const trial = await makeTrial(parts.tenancy, tenant)
  try {
    await rehearse(parts, { tenant, trial, backup }, { run, whileBooted })
  } catch (error) {
    run.check('the restore went through', 'yes', error instanceof Error ? error.message : String(error))
  } finally {
    await dropTrial(parts, trial)
  }
  // What would be lost is what the schedule had not backed up, also where the drill made a backup for itself.
  const snapshotAt = newest.snapshotAt ?? startedAt
  const report: DrillReport = {
    id: newId(),
    slug: tenant.slug,
    backupId: backup.id,
    snapshotAt: snapshotAt.toISOString(),
    startedAt: startedAt.toISOString(),
    endedAt: parts.clock.now().toISOString(),
    passed: run.checks.every(({ ok }) => ok),
    rpoMs: startedAt.getTime() - snapshotAt.getTime(),
    rtoMs: sum(Object.values(run.phases)),
    phases: run.phases,
    largestRtoMs: project(run.phases, backup, await parts.catalogue.available()),
    checks: run.checks,
  }
  await noteDrill(parts.stores, report)
  return report
}

/**
 * The newest backup, unless nobody answered while it was made: live answers of now say nothing of the data of then, so
 * another one is made. One that cannot be read is what a drill is to find.
 */
async function comparable(
  parts: DrillParts,
  tenant: TenantRecord,
  newest: BackupRecord,
): Promise<BackupRecord> {
  const manifest = await readManifest(parts, tenant.id, newest.id).catch(() => undefined)
  return manifest?.openapi === null ? parts.backUp(tenant) : newest
}

interface Run {
  phases: Record<string, number>
  checks: DrillCheck[]
  check(what: string, expected: unknown, observed: unknown): void
  timed<T>(phase: string, work: () => Promise<T>): Promise<T>
}

function openRun(): Run {
  const phases: Record<string, number> = {}
  const checks: DrillCheck[] = []
  return {
    phases,
    checks,
    check: (what, expected, observed) =>
      void checks.push({ what, expected, observed, ok: isDeepStrictEqual(observed, expected) }),
    async timed(phase, work) {
      const began = performance.now()
      try {
        return await work()
      } finally {
        phases[phase] = Math.round(performance.now() - began)
      }
    },
  }
}

async function rehearse(
  parts: DrillParts,
  { tenant, trial, backup }: { tenant: TenantRecord; trial: Tenant; backup: BackupRecord },
  { run, whileBooted }: { run: Run; whileBooted: (rehearsal: Rehearsal) => Promise<void> },
): Promise<void> {
  const { phases } = await restoreInto(parts, backup, trial.slug)
  Object.assign(run.phases, phases)
  const manifest = await readManifest(parts, tenant.id, backup.id)
  const copy = await run.timed('boot', () => bootCopy(parts.program, parts.edge, parts.stores))
  try {
    const restored = copy.ask(trial.hosts[0] as string)
    const surface = await run.timed('first answer', () => readSurface(restored))
    const differing = await compareSurface(parts, { tenant, trial, manifest }, { restored, ...surface }, run)
    await compareContent(parts, manifest, trial, run)
    await whileBooted({ trial, restored, differing })
  } finally {
    await copy.stop()
  }
  const outbound = await tryOutbound(parts.stores)
  run.check('a call out of the booted copy', 'refused', outbound.guarded)
  run.check('the same call without the guard', 'reached', outbound.bare)
}

async function compareSurface(
  { edge }: DrillParts,
  { tenant, trial, manifest }: { tenant: TenantRecord; trial: Tenant; manifest: Manifest },
  { restored, sha256 }: { restored: Ask; sha256: string },
  run: Run,
): Promise<() => Promise<string[]>> {
  const host = tenant.hosts[0] as string
  const ask: Ask = (path) => edge.request({ host, path })
  const live = await readSurface(ask)
  run.check('the OpenAPI document of the restored tenant is that of the live one', live.sha256, sha256)
  run.check('and that of the time of the backup', manifest.openapi, sha256)
  const expected = manifest.answers
  // Content may name the tenant that was backed up, also in the copy.
  const masks = [tenant, trial].flatMap(({ slug, name, hosts }) => [slug, name, hosts[0] as string])
  const differing = async () => {
    const paths = expected.map(({ path }) => path)
    const observed = await sampleAnswers(restored, paths, masks)
    return paths.filter((_, i) => !isDeepStrictEqual(expected[i], observed[i]))
  }
  run.check('public routes whose answers were recorded with the backup: some', true, expected.length > 0)
  run.check(`of these ${expected.length}, those that answer otherwise than then`, [], await differing())
  return differing
}

async function compareContent(parts: DrillParts, manifest: Manifest, trial: Tenant, run: Run): Promise<void> {
  const tables = await describeTarget(parts.stores, trial)
  const rows = (list: readonly { rows: number }[]) => sum(list.map((table) => table.rows))
  run.check('rows of the restored tenant', rows(manifest.tables), rows(tables))
  const differing = manifest.tables.filter(
    (table) =>
      !isDeepStrictEqual(
        table,
        tables.find(({ name }) => name === table.name),
      ),
  )
  run.check(
    'tables whose rows are not those of the backup',
    [],
    differing.map(({ name }) => name),
  )
  const folder = openFilestore({ root: parts.stores.files, folder: trial.slug })
  const files = await Promise.all(
    (await folder.list()).map(async (path) => {
      const { sha256 } = await measureAll((await folder.open(path)).stream as AsyncIterable<Uint8Array>)
      return `${path} ${sha256}`
    }),
  )
  const wanted = manifest.files.map(({ path, sha256 }) => `${path} ${sha256}`).sort()
  run.check(
    'files that are missing or not those of the backup',
    [],
    wanted.filter((file) => !files.includes(file)),
  )
}

/** What the drill would have taken with the largest backup there is. */
function project(
  phases: Record<string, number>,
  { bytes }: BackupRecord,
  available: readonly BackupRecord[],
): number {
  const largest = Math.max(...available.map((backup) => backup.bytes ?? 0))
  const factor = Math.max(1, largest / Math.max(1, bytes ?? 1))
  return Math.round(
    sum(Object.entries(phases).map(([phase, ms]) => (SIZED.includes(phase) ? ms * factor : ms))),
  )
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
