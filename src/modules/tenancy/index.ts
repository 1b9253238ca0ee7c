import { z } from 'zod'
import { stores } from '../../data/index.ts'
import type { Migrator } from '../../data/migrator.ts'
import { databases } from '../../data/roles.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import type { Measure } from '../../proof/measure.ts'
import type { CanarySeed, TenancyApi } from './api.ts'
import { makeCanaries, openCanaries } from './canaries.ts'
import { tenancyIsolationMode } from './measures/tenancy-isolation-mode.ts'
import { tenancyScopingAuto } from './measures/tenancy-scoping-auto.ts'
import { tenancySqli } from './measures/tenancy-sqli.ts'
import { tenancyWrite } from './measures/tenancy-write.ts'
import { openTenant, type TenantAccess } from './openTenant.ts'
import { notPrivileged, tenantNotFound } from './problems.ts'
import { openRegistry, type Registered } from './registry.ts'
import type { IsolationModel, Tenant } from './tenant.ts'
import { tenantTables } from './unprotectedTables.ts'

export type { TenancyApi } from './api.ts'

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
    /** Connections to the pooled store, and to each tenant's own database. */
    pooledConnections: z.number().int().min(2).default(16),
    ownConnections: z.number().int().min(1).default(2),
  }),
  migrations: {
    control: new URL('./migrations/control/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  async start({ settings, clock }, { stores }) {
    const registry = openRegistry(stores.control)
    const tenantRoleSecret = keepSecret(stores.secrets, 'tenant-roles')
    const open = rememberOpened({
      pool: stores.tenants,
      address: stores.address,
      appPassword: stores.appPassword,
      sealKey: Buffer.from(keepSecret(stores.secrets, 'seal-key'), 'hex'),
      tenantRoleSecret,
      clock,
      pooledConnections: settings.pooledConnections,
      ownConnections: settings.ownConnections,
    })
    const seeds = new Map<string, CanarySeed>()
    const api: TenancyApi = {
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
      list: async () => registry.list(),
      canaries: { register: (module, seed) => void seeds.set(module, seed) },
    }
    const { migrator } = stores
    if (migrator) await makeCanaries(migrator, tenantRoleSecret, settings.models, settings.baseDomain)
    return { api, measures: measures(migrator ?? noMigrator, settings.models, api, seeds) }
  },
})

/** Stands in where the process only shows measures and never runs their probes. */
const noMigrator: Pick<Migrator, 'run'> = {
  run: async () => {
    throw notPrivileged("Run it in a process that holds the migrator's password, such as `surety work`.")
  },
}

function measures(
  migrator: Pick<Migrator, 'run'>,
  models: readonly IsolationModel[],
  api: TenancyApi,
  seeds: ReadonlyMap<string, CanarySeed>,
): Measure[] {
  const canaries = () => openCanaries(models, api.bySlug, seeds)
  const tables = () => migrator.run('list tenant tables', tenantTables, databases.template)
  return [
    tenancyIsolationMode({ models }, migrator, canaries),
    tenancyScopingAuto(canaries, tables),
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
