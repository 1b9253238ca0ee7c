import { createLog } from '../kernel/log.ts'
import type { IsolationModel } from '../modules/tenancy/tenant.ts'
import { runningEnvironment } from './environment.ts'
import { type Platform, startPlatform } from './platform.ts'

/** Makes a tenant that answers at `<slug>.<baseDomain>`. */
export function createTenant(slug: string, options: { name?: string; model: string }): Promise<void> {
  return withPlatform(async ({ tenancy }) => {
    const model = options.model as IsolationModel
    const hosts = [`${slug}.${tenancy.baseDomain}`]
    const id = await tenancy.create({ slug, name: options.name ?? slug, model, hosts })
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

/** Starts the platform that runs here, for as long as `work` takes. */
export async function withPlatform<T>(work: (platform: Platform) => Promise<T>): Promise<T> {
  const log = createLog({ name: 'surety', level: 'error' })
  const platform = await startPlatform({ log, environment: runningEnvironment() })
  try {
    return await work(platform)
  } finally {
    await platform.stop()
  }
}
