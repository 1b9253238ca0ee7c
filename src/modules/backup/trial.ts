import { newId } from '../../kernel/ids.ts'
import { Problem } from '../../kernel/problems.ts'
import type { TenancyApi, Tenant, TenantRecord } from '../tenancy/index.ts'
import type { RestoreParts } from './restore.ts'

/** How the slug of a tenant begins that lives for one drill. Nobody backs it up. */
const PREFIX = 'trial-drill-'

/** A tenant this old (ms) belongs to no drill any more. */
const ABANDONED_AFTER = 3_600_000

/** Whether it lives for one probe alone. */
export function isTrial({ canary, slug }: Pick<TenantRecord, 'canary' | 'slug'>): boolean {
  return canary && slug.startsWith('trial-')
}

/** Makes an empty tenant to restore into; in a database of its own where the deployment offers that. */
export async function makeTrial(tenancy: TenancyApi, { name }: TenantRecord): Promise<Tenant> {
  const slug = `${PREFIX}${newId().slice(-12)}`
  const make = (model: 'database' | 'rows') =>
    tenancy.create({ slug, name, model, hosts: [`${slug}.${tenancy.baseDomain}`], canary: true })
  await make('database').catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'tenant-invalid')) throw error
    return make('rows')
  })
  return tenancy.bySlug(slug)
}

/** Removes all of it; safe to repeat. */
export async function dropTrial(
  { tenancy }: Pick<RestoreParts, 'tenancy'>,
  { slug }: { slug: string },
): Promise<void> {
  const { erasing } = tenancy
  const closed = await erasing.begin(slug, null, async () => undefined)
  await erasing.close(closed)
  await erasing.dropStore(closed)
  await erasing.dropFiles(closed)
  await erasing.dropCache(closed)
  await erasing.deregister(closed)
}

/** Removes tenants of drills that were killed. */
export async function dropAbandonedTrials({ tenancy, clock }: RestoreParts): Promise<void> {
  for (const { slug, createdAt } of await tenancy.list())
    if (slug.startsWith(PREFIX) && clock.now().getTime() - createdAt.getTime() > ABANDONED_AFTER)
      await dropTrial({ tenancy }, { slug })
}
