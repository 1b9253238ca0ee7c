import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { openActorSeals } from '../../data/actor.ts'
import { type Stores, stores } from '../../data/index.ts'
import { databases, roles } from '../../data/roles.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import type { Measure } from '../../proof/measure.ts'
import type { CanarySeed, TenancyApi } from './api.ts'
import { findCanaries, makeCanaries, openCanaries, startTrial, trialsOf } from './canaries.ts'
import { tenantPassword, tenantRole } from './credentials.ts'
import { openErasing } from './erase.ts'
import { tenancyIsolationMode } from './measures/tenancy-isolation-mode.ts'
import { tenancyIsolationSql } from './measures/tenancy-isolation-sql.ts'
import { tenancyScopingAuto } from './measures/tenancy-scoping-auto.ts'
import { tenancySetlocal } from './measures/tenancy-setlocal.ts'
import { tenancySqli } from './measures/tenancy-sqli.ts'
import { tenancyWrite } from './measures/tenancy-write.ts'
import { followNews } from './news.ts'
import { openTenant, type TenantAccess } from './openTenant.ts'
import { invalidTenant, tenantNotFound } from './problems.ts'
import { findSpares, makeSpare, provisionTenant, remakeDatabase } from './provision.ts'
import { openRegistry, type Registered } from './registry.ts'
import { operatorTenancyRoutes, tenancyRoutes } from './routes.ts'
import { changeState, settleState, settleStates } from './state.ts'
import type { IsolationModel, Tenant } from './tenant.ts'
import { tenantTables } from './unprotectedTables.ts'

import './request.ts'

export type { TenancyApi } from './api.ts'
export { type CanaryPair, markerOf } from './canaries.ts'
export type { ClosedTenant } from './erase.ts'
export { Slug } from './slug.ts'
export type { Tenant, TenantRecord } from './tenant.ts'

/** Keeps tenants apart, in a database of their own or as sealed rows of a pool. */
export const tenancy = defineModule({
  name: 'tenancy',
  needs: { stores },
  settings: z.object({
    /** Isolation models that this deployment offers; each has a pair of canaries. */
    models: z
      .array(z.enum(['database', 'rows']))
      .min(1)
      .default(['database', 'rows']),
    /** A new tenant answers at `<slug>.<baseDomain>`. */
    baseDomain: z.string().default('localhost'),
    /** Tenant databases made in advance, so that a new tenant need not wait for one. */
    spares: z.number().int().min(0).max(100).default(2),
    /** Connections to the pooled store, and to each tenant's own database. */
    pooledConnections: z.number().int().min(2).default(16),
    ownConnections: z.number().int().min(1).default(4),
  }),
  migrations: {
    control: new URL('./migrations/control/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  async start({ settings, clock, log }, { stores }) {
    const registry = openRegistry(stores.control)
    const news = followNews(stores.redis, registry.refresh, log)
    const tenantRoleSecret = keepSecret(stores.secrets, 'tenant-roles')
    const open = rememberOpened({
      pool: stores.tenants,
      address: stores.address,
      appPassword: stores.appPassword,
      sealKey: Buffer.from(keepSecret(stores.secrets, 'seal-key'), 'hex'),
      tenantRoleSecret,
      actorSeals: openActorSeals(Buffer.from(keepSecret(stores.secrets, 'actor-seal'), 'hex'), clock),
      clock,
      files: stores.files,
      pooledConnections: settings.pooledConnections,
      ownConnections: settings.ownConnections,
    })
    const seeds = new Map<string, CanarySeed>()
    const api: TenancyApi = {
      baseDomain: settings.baseDomain,
      async resolve(host) {
        const found = await registry.byHost(host)
        if (!found) throw tenantNotFound(`No tenant answers at ${host}.`)
        return open(found)
      },
      async bySlug(slug) {
        const found = await registry.bySlug(slug)
        if (!found) throw tenantNotFound(`There is no tenant "${slug}".`)
        return open(found)
      },
      async create(tenant) {
        if (!settings.models.includes(tenant.model))
          throw invalidTenant(`This deployment offers ${settings.models.join(' and ')}, not ${tenant.model}.`)
        const id = await provisionTenant(stores.asMigrator, tenantRoleSecret, tenant)
        await news.tell()
        return id
      },
      async remakeDatabase(slug) {
        const { id, model, state } = await api.bySlug(slug)
        const isSuspended = state === 'suspended'
        return (
          model === 'database' &&
          remakeDatabase(stores.asMigrator, tenantRoleSecret, { id, slug, isSuspended })
        )
      },
      async keepSpares(count) {
        const spares = await stores.asMigrator('count spare tenant databases', findSpares)
        for (let there = spares.length; there < count; there++)
          await makeSpare(stores.asMigrator, tenantRoleSecret)
      },
      async setState(slug, state) {
        await changeState(stores.asMigrator, slug, state, clock)
        await news.tell()
      },
      erasing: openErasing(stores, news.tell),
      settle: (id) => (id ? settleState(stores.asMigrator, id) : settleStates(stores.asMigrator)),
      list: async () => registry.list(),
      canaries: {
        register: (module, seed) => void seeds.set(module, seed),
        find: () => findCanaries(settings.models, api.bySlug),
        open: () => openCanaries(settings.models, api.bySlug, seeds),
        trial: (model) => startTrial(api, model, seeds),
        trials: async () => trialsOf(await registry.list()),
      },
      tables: () => stores.asMigrator('list tenant tables', tenantTables, databases.template),
    }
    const { migrator } = stores
    if (migrator) await makeCanaries(migrator.run, tenantRoleSecret, settings.models, settings.baseDomain)
    const plugin = tenancyRoutes as unknown as FastifyPluginAsync
    const operators = operatorTenancyRoutes(api.list) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [
      { audience: 'tenant', plugin },
      { audience: 'admin', plugin: operators },
    ]
    return {
      api,
      routes,
      measures: measures(stores, tenantRoleSecret, settings.models, api),
      stop: async () => news.close(),
    }
  },
})

function measures(
  { asMigrator, address, appPassword }: Stores,
  tenantRoleSecret: string,
  models: readonly IsolationModel[],
  { canaries: { find, open: canaries }, tables }: TenancyApi,
): Measure[] {
  const appInPool = { ...address, user: roles.app, password: appPassword, database: databases.pool }
  const loginOf = ({ slug, id }: Tenant) => ({
    ...address,
    user: tenantRole(slug),
    password: tenantPassword(tenantRoleSecret, id),
  })
  return [
    tenancyIsolationMode({ models }, asMigrator, find),
    tenancyIsolationSql(canaries, loginOf),
    tenancyScopingAuto(canaries, tables),
    tenancySetlocal(canaries, appInPool),
    tenancySqli(canaries),
    tenancyWrite(canaries),
  ]
}

/** One tenant object for each registry line that was read, so that its prepared statements are kept while it is fresh. */
function rememberOpened(access: TenantAccess): (registered: Registered) => Tenant {
  const opened = new WeakMap<Registered, Tenant>()
  return (registered) => {
    const known = opened.get(registered)
    if (known) return known
    const tenant = openTenant(registered, access)
    opened.set(registered, tenant)
    return tenant
  }
}
