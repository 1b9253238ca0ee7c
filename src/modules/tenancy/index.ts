import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import type { CanarySeed, TenancyApi } from './api.ts'
import { openTenant, type TenantAccess } from './openTenant.ts'
import { tenantNotFound } from './problems.ts'
import { openRegistry, type Registered } from './registry.ts'
import type { Tenant } from './tenant.ts'

export type { TenancyApi } from './api.ts'

/** Keeps tenants apart, in a database of their own or as sealed rows of a pool. */
export const tenancy = defineModule({
  name: 'tenancy',
  needs: { stores },
  settings: z.object({
    /** Isolation models that new tenants may have. */
    models: z
      .array(z.enum(['database', 'rows']))
      .min(1)
      .default(['database', 'rows']),
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
    const access: TenantAccess = {
      pool: stores.tenants,
      address: stores.address,
      appPassword: stores.appPassword,
      sealKey: Buffer.from(keepSecret(stores.secrets, 'seal-key'), 'hex'),
      tenantRoleSecret: keepSecret(stores.secrets, 'tenant-roles'),
      clock,
      pooledConnections: settings.pooledConnections,
      ownConnections: settings.ownConnections,
    }
    const seeds = new Map<string, CanarySeed>()
    const open = rememberOpened(access)
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
    return { api }
  },
})

/** One tenant object for each unchanged registry line, so that its prepared statements are kept. */
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
