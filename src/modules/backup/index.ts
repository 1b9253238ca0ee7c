import { join } from 'node:path'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { proof } from '../../proof/index.ts'
import { edge } from '../edge/index.ts'
import { jobs } from '../jobs/index.ts'
import { type Tenant, tenancy } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import type { BackupApi } from './api.ts'
import { backUpTenant } from './backUp.ts'
import { openCatalogue } from './catalogue.ts'
import { openCluster } from './cluster/cluster.ts'
import { contradictionsIn } from './contradictions.ts'
import { type DrillParts, drill } from './drill.ts'
import { drillsSince } from './drillLog.ts'
import { openFileRepository, sweepFileRepository } from './fileRepository.ts'
import { beat } from './heartbeat.ts'
import { openBackupKeys } from './keys.ts'
import { listenTo } from './listen.ts'
import { backupAccess } from './measures/backup-access.ts'
import { backupBucketNodelete } from './measures/backup-bucket-nodelete.ts'
import { backupEncryption } from './measures/backup-encryption.ts'
import { backupImmutability } from './measures/backup-immutability.ts'
import { backupLifecycle } from './measures/backup-lifecycle.ts'
import { backupLocation } from './measures/backup-location.ts'
import { backupMode } from './measures/backup-mode.ts'
import { backupRetention } from './measures/backup-retention.ts'
import { backupSchedule } from './measures/backup-schedule.ts'
import { backupSnapshot } from './measures/backup-snapshot.ts'
import { backupVersioning } from './measures/backup-versioning.ts'
import { backupVersioningPitr } from './measures/backup-versioning-pitr.ts'
import { drPlan } from './measures/dr-plan.ts'
import { drRpo } from './measures/dr-rpo.ts'
import { drRto } from './measures/dr-rto.ts'
import { restoreDrill } from './measures/restore-drill.ts'
import { restoreDrillSurface } from './measures/restore-drill-surface.ts'
import { restoreRunbook } from './measures/restore-runbook.ts'
import { noBackup, restoreInto, settleRestores } from './restore.ts'
import { removeAll } from './retention.ts'
import { operatorBackupRoutes, publicDrillRoutes } from './routes.ts'
import { openS3Client } from './s3Client.ts'
import { openS3Repository } from './s3Repository.ts'
import { classFor, makeDue } from './schedule.ts'
import { dropAbandonedScratches } from './scratch.ts'
import { backupSettings } from './settings.ts'
import { dropAbandonedTrials } from './trial.ts'

/** An unfinished object this old (ms) belongs to no process any more. */
const INTERRUPTED_AFTER = 86_400_000

export type { BackupApi } from './api.ts'
export type { Cluster } from './cluster/cluster.ts'
export { type ClusterBackup, listClusterBackups } from './cluster/clusterBackups.ts'
export { archiveSettings, openPlace } from './cluster/place.ts'
export { restoreCluster } from './cluster/restoreCluster.ts'
export { readPlan } from './plan.ts'
export type { BackupSettings, PitrSettings } from './settings.ts'

/** How often (ms) the schedule is looked at. */
const LOOK_EVERY = 10_000
const LOOK_AT_CLUSTER_EVERY = 60_000

/** Backs up every tenant, proves that the backups restore, and restores them. */
export const backup = defineModule({
  name: 'backup',
  needs: { stores, proof, edge, tenancy, vault, jobs },
  settings: backupSettings,
  contradictions: contradictionsIn,
  migrations: {
    control: new URL('./migrations/control/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  async start(
    { settings, clock, log, build, program, tenantMigrations },
    { stores, proof, edge, tenancy, vault, jobs },
  ) {
    const folder = settings.folder ?? join(stores.files, 'backups')
    const s3 = settings.s3 && { client: openS3Client(settings.s3), ...settings.s3 }
    const repository = s3
      ? openS3Repository(s3.client, s3, join(folder, '.staging'))
      : openFileRepository(folder)
    const afterRestore: ((tenant: Tenant) => Promise<void>)[] = []
    const parts: DrillParts = {
      stores,
      clock,
      build,
      settings,
      repository,
      catalogue: openCatalogue(stores.control, stores.asMigrator),
      keys: openBackupKeys(vault),
      beat: async ({ slug }) => beat(await tenancy.bySlug(slug)),
      listen: (tenant) => listenTo(edge, tenant),
      tenancy,
      tenantMigrations,
      afterRestore,
      edge,
      program,
      async backUp(tenant) {
        return backUpTenant(parts, tenant, await classFor(parts.catalogue, tenant, settings, clock.now()))
      },
    }
    const cluster = settings.pitr && openCluster({ stores, pitr: settings.pitr, clock, log })
    if (stores.migrator) await sweepFileRepository(folder, INTERRUPTED_AFTER)
    const api: BackupApi = {
      async backUp(slug, onStep) {
        const tenant = await tenancy.bySlug(slug)
        const retention = await classFor(parts.catalogue, tenant, settings, clock.now())
        return backUpTenant(parts, tenant, retention, onStep)
      },
      drill: async (slug) => drill(parts, await tenancy.bySlug(slug)),
      drills: (since, limit) => drillsSince(stores, since, limit),
      async due(signal) {
        await settleRestores(parts)
        await dropAbandonedScratches(parts)
        await dropAbandonedTrials(parts)
        return makeDue(parts, await tenancy.list(), log, signal)
      },
      async restore(backupId, slug, onPhase) {
        const found = await parts.catalogue.find(backupId)
        if (!found) throw noBackup(`There is no backup ${backupId}.`)
        return restoreInto(parts, found, slug, onPhase)
      },
      erase: ({ id }) => removeAll(parts, id),
      afterRestore: (run) => void afterRestore.push(run),
      async list(slug) {
        const tenant = slug === undefined ? undefined : await tenancy.bySlug(slug)
        return parts.catalogue.available(tenant?.id)
      },
      cluster,
    }
    jobs.every('backup', LOOK_EVERY, async (signal) => void (await api.due(signal)))
    if (cluster) jobs.every('backup.cluster', LOOK_AT_CLUSTER_EVERY, cluster.due)
    const measures = [
      backupSchedule(parts, tenancy),
      backupRetention(parts, tenancy),
      backupEncryption(parts, tenancy),
      backupSnapshot(settings),
      backupMode(parts),
      backupAccess(s3, folder),
      backupImmutability(s3),
      backupVersioning(s3),
      backupVersioningPitr({ drills: parts, tenancy, bucket: s3, cluster }),
      backupBucketNodelete(s3),
      backupLifecycle(s3, settings),
      backupLocation(s3),
      restoreDrill(parts),
      restoreDrillSurface(parts),
      restoreRunbook(parts, cluster),
      drRto(parts),
      drRpo(parts),
      drPlan(parts, proof),
    ]
    const drills = jobs.define({
      name: 'backup.drill',
      data: z.object({}),
      // What came of it is evidence, whatever it is; a second try would only be another drill.
      attempts: 1,
      run: async () => void (await proof.run('restore.drill')),
    })
    const routes: RouteGroup[] = [
      {
        audience: 'admin',
        plugin: operatorBackupRoutes(api, clock, () => drills.add(null, {})) as unknown as FastifyPluginAsync,
      },
      { audience: 'trust', plugin: publicDrillRoutes(api, clock) as unknown as FastifyPluginAsync },
    ]
    return { api, routes, measures }
  },
})
