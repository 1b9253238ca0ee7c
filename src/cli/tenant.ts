import { keepSecret } from '../data/secrets.ts'
import { createLog } from '../kernel/log.ts'
import { provisionTenant } from '../modules/tenancy/provision.ts'
import type { IsolationModel } from '../modules/tenancy/tenant.ts'
import { runningEnvironment } from './environment.ts'
import { type Platform, startPlatform } from './platform.ts'

/** Makes a tenant that answers at `<slug>.<baseDomain>`. */
export function createTenant(slug: string, options: { name?: string; model: string }): Promise<void> {
  return withPlatform(async ({ stores, settings }) => {
    const { baseDomain } = settings.tenancy as { baseDomain: string }
    const model = options.model as IsolationModel
    const tenant = { slug, name: options.name ?? slug, model, hosts: [`${slug}.${baseDomain}`] }
    const id = await provisionTenant(stores.asMigrator, keepSecret(stores.secrets, 'tenant-roles'), tenant)
    console.log(`${slug} (${model}) ${id}`)
  })
}

/** Prints every tenant, canaries included. */
export function listTenants(): Promise<void> {
  return withPlatform(async ({ tenancy }) => {
    for (const { slug, model, state, hosts, canary } of await tenancy.list()) {
      console.log(
        [slug.padEnd(24), model.padEnd(9), state.padEnd(10), hosts.join(' '), canary ? 'canary' : ''].join(
          ' ',
        ),
      )
    }
  })
}

async function withPlatform(work: (platform: Platform) => Promise<void>): Promise<void> {
  const log = createLog({ name: 'surety', level: 'error' })
  const platform = await startPlatform({ log, environment: runningEnvironment() })
  try {
    await work(platform)
  } finally {
    await platform.stop()
  }
}
