import { sql } from 'drizzle-orm'
import type { AsMigrator } from '../../data/migrator.ts'
import { newId } from '../../kernel/ids.ts'
import { Problem } from '../../kernel/problems.ts'
import type { CanarySeed, TenancyApi } from './api.ts'
import { type NewTenant, provisionTenant } from './provision.ts'
import type { IsolationModel, Tenant, TenantRecord } from './tenant.ts'

/** Two tenants of one isolation model: A attacks, B holds what A must not see. */
export interface CanaryPair {
  model: IsolationModel
  a: Tenant
  b: Tenant
  /** What B's content is called, to be asked for by A. */
  idsOfB: readonly string[]
}

/** Begins the slugs of canaries that live for one probe alone. */
export const TRIAL_PREFIX = 'trial-'

/** What a canary's rows and files contain. */
export function markerOf(tenant: { id: string }): string {
  return `canary-${tenant.id}`
}

/** Makes the canary tenants that are missing: two for each isolation model. */
export async function makeCanaries(
  asMigrator: AsMigrator,
  tenantRoleSecret: string,
  models: readonly IsolationModel[],
  baseDomain: string,
): Promise<void> {
  for (const { slug, model } of models.flatMap(canarySlugs)) {
    const tenant: NewTenant = {
      slug,
      name: `Canary ${slug}`,
      model,
      hosts: [`${slug}.${baseDomain}`],
      canary: true,
    }
    await provisionTenant(asMigrator, tenantRoleSecret, tenant).catch((error: unknown) => {
      if (!(error instanceof Problem && error.code === 'tenant-exists')) throw error
    })
  }
}

/** The canary pairs as they are: for probes that need no content in them, and still see when none can be written. */
export function findCanaries(
  models: readonly IsolationModel[],
  bySlug: (slug: string) => Promise<Tenant>,
): Promise<CanaryPair[]> {
  return Promise.all(
    models.map(async (model) => {
      const [a, b] = await Promise.all(canarySlugs(model).map(({ slug }) => bySlug(slug)))
      return { model, a, b, idsOfB: [] } as unknown as CanaryPair
    }),
  )
}

/** The canary pairs with their markers in place. */
export async function openCanaries(
  models: readonly IsolationModel[],
  bySlug: (slug: string) => Promise<Tenant>,
  seeds: ReadonlyMap<string, CanarySeed>,
): Promise<CanaryPair[]> {
  const pairs = await findCanaries(models, bySlug)
  return Promise.all(
    pairs.map(async (pair) => {
      const [, idsOfB] = await Promise.all([pair.a, pair.b].map((tenant) => plant(tenant, seeds)))
      return { ...pair, idsOfB: idsOfB as string[] }
    }),
  )
}

/** Puts into a canary what every module registered; returns the ids of all of it. */
async function plant(tenant: Tenant, seeds: ReadonlyMap<string, CanarySeed>): Promise<string[]> {
  await seedMarker(tenant)
  const ids = [tenant.id]
  for (const seed of seeds.values()) ids.push(...(await seed(tenant, markerOf(tenant))).ids)
  return ids
}

/** Makes a canary for one probe alone, with content of every kind. */
export async function startTrial(
  { baseDomain, create, bySlug }: Pick<TenancyApi, 'baseDomain' | 'create' | 'bySlug'>,
  model: IsolationModel,
  seeds: ReadonlyMap<string, CanarySeed>,
): Promise<Tenant> {
  const slug = `${TRIAL_PREFIX}${newId().slice(-12)}`
  await create({ slug, name: slug, model, hosts: [`${slug}.${baseDomain}`], canary: true })
  const tenant = await bySlug(slug)
  await plant(tenant, seeds)
  return tenant
}

/** The trials among `tenants`. */
export function trialsOf(tenants: readonly TenantRecord[]): { slug: string; startedAt: Date }[] {
  return tenants
    .filter(({ canary, slug }) => canary && slug.startsWith(TRIAL_PREFIX))
    .map(({ slug, createdAt }) => ({ slug, startedAt: createdAt }))
}

function canarySlugs(model: IsolationModel): { slug: string; model: IsolationModel }[] {
  return ['a', 'b'].map((letter) => ({ slug: `canary-${model}-${letter}`, model }))
}

async function seedMarker(tenant: Tenant): Promise<void> {
  await tenant.transaction((db) =>
    db.execute(
      sql`INSERT INTO tenancy.canary (id, marker) VALUES (${tenant.id}, ${markerOf(tenant)}) ON CONFLICT DO NOTHING`,
    ),
  )
}
