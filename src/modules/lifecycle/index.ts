import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { duration } from '../../kernel/duration.ts'
import { defineModule } from '../../kernel/module.ts'
import { Problem } from '../../kernel/problems.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { proof } from '../../proof/index.ts'
import { audit } from '../audit/index.ts'
import { backup } from '../backup/index.ts'
import { billing } from '../billing/index.ts'
import { edge } from '../edge/index.ts'
import { identity } from '../identity/index.ts'
import { jobs } from '../jobs/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import type { LifecycleApi } from './api.ts'
import { clearTrials } from './clearTrials.ts'
import { type ErasureParts, eachOf, erase, type Purge, replay, resume } from './erasure.ts'
import { importTenant } from './export/importTenant.ts'
import { exportRoutes } from './exportRoutes.ts'
import { dueForErasure } from './grace.ts'
import { readOnlyGuard } from './guard.ts'
import { erasuresOf, receiptOf } from './ledger.ts'
import { erasureAfterGrace } from './measures/erasure-after-grace.ts'
import { erasureOnRequest } from './measures/erasure-on-request.ts'
import { exportSelfServe } from './measures/export-self-serve.ts'
import { retentionActive } from './measures/retention-active.ts'
import { suspensionGrace } from './measures/suspension-grace.ts'
import { suspensionReadonly } from './measures/suspension-readonly.ts'
import { operatorLifecycleRoutes } from './operatorRoutes.ts'
import { answerRequest, confirmedRequest, confirmRequest, receiveRequest, requestsOf } from './request.ts'
import { accountRoutes } from './routes.ts'

export type { LifecycleApi } from './api.ts'

/** How often (ms) it is looked for whose time is over and for what a crash left. */
const SWEEP_EVERY = 60_000

/** How a tenant's time here ends: suspension, export, erasure. */
export const lifecycle = defineModule({
  name: 'lifecycle',
  needs: { stores, proof, tenancy, identity, jobs, vault, edge, audit, backup, billing },
  settings: z.object({
    /** How long a suspended tenant stays online before it is erased. */
    grace: duration.default(90 * 86_400_000),
    /** Where the days of deadlines begin and end. */
    timeZone: z.string().default('Europe/Berlin'),
  }),
  migrations: { control: new URL('./migrations/control/', import.meta.url) },
  async start(
    { settings, clock, build },
    { stores, proof, tenancy, identity, jobs, vault, edge, audit, backup, billing },
  ) {
    const purges = new Map<string, Purge>([
      ['backups', (tenant) => backup.erase(tenant)],
      ['billing', ({ id }) => billing.forget(id)],
    ])
    const parts: ErasureParts = { stores, tenancy, jobs, vault, proof, purges, clock }
    const api: LifecycleApi = {
      suspend: (slug) => tenancy.setState(slug, 'suspended'),
      reactivate: (slug) => tenancy.setState(slug, 'active'),
      onPurge: (name, purge) => void purges.set(name, purge),
      due: async (now) => dueForErasure(await tenancy.list(), settings.grace, now),
      async sweep(now = clock.now(), only) {
        const due = (await api.due(now)).filter(({ slug }) => only === undefined || slug === only)
        const suspendedBefore = new Date(now.getTime() - settings.grace)
        const erased = await eachOf(due, ({ slug }) =>
          erase(parts, slug, { because: 'time over', suspendedBefore }).catch(unlessTaken),
        )
        const rest = [
          () => tenancy.settle(),
          () => resume(parts),
          ...(only ? [] : [() => clearTrials(parts)]),
        ]
        await eachOf<() => Promise<unknown>, unknown>(rest, (work) => work())
        return Promise.all(erased.filter((id) => id !== null).map((id) => receiptOf(parts, id)))
      },
      resume: () => resume(parts),
      request: (slug, channel) =>
        receiveRequest({ stores, tenancy, clock, timeZone: settings.timeZone }, slug, channel),
      confirm: (id, how) => confirmRequest({ stores, clock }, id, how),
      answer: (id, answer) => answerRequest({ stores, clock }, id, answer),
      requests: () => requestsOf({ stores }),
      async eraseOnRequest(id) {
        const { slug, tenantId } = await confirmedRequest({ stores }, id)
        return receiptOf(parts, await erase(parts, slug, { because: 'request', requestId: id, tenantId }))
      },
      erasures: () => erasuresOf(stores.control),
      receipt: (id) => receiptOf(parts, id),
      replayLedger: () => replay(parts),
      async importInto(slug, path) {
        const tenant = await tenancy.bySlug(slug)
        return importTenant(tenant.as({ kind: 'system', id: 'import' }), path)
      },
    }
    // A backup knows nothing of a suspension since.
    backup.afterRestore(({ id }) => tenancy.settle(id))
    let isReplayed = false
    jobs.every('lifecycle.sweep', SWEEP_EVERY, async () => {
      // The whole cluster may have been set back to an earlier time before this process began.
      if (!isReplayed) await replay(parts)
      isReplayed = true
      await api.sweep()
    })
    const account = accountRoutes(settings.grace, clock) as unknown as FastifyPluginAsync
    const way = exportRoutes(audit, clock, build) as unknown as FastifyPluginAsync
    const operators = operatorLifecycleRoutes(api, tenancy, jobs) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [
      { audience: 'tenant', plugin: account },
      { audience: 'tenant', plugin: way },
      { audience: 'admin', plugin: operators },
    ]
    const guards: RouteGroup[] = [{ audience: 'tenant', plugin: readOnlyGuard }]
    const { grace, timeZone } = settings
    const probe = { lifecycle: api, erasing: parts, identity, edge, grace, timeZone }
    const measures = [
      suspensionReadonly(probe),
      suspensionGrace(probe),
      retentionActive(probe),
      erasureAfterGrace(probe),
      erasureOnRequest(probe),
      exportSelfServe(probe),
    ]
    return { api, routes, guards, measures }
  },
})

/** Another process was faster, or it was reactivated meanwhile. */
function unlessTaken(error: unknown): null {
  if (!(error instanceof Problem && ['tenant-not-found', 'tenant-not-erasable'].includes(error.code)))
    throw error
  return null
}
