import { sql } from 'drizzle-orm'
import type { Tenant, VaultApi } from '../../src/index.ts'
import { keepSponsor } from './demo.ts'
import { importLineup } from './importLineup.ts'
import { keepAccount, listAccounts } from './social.ts'
import { artist, performance, stage, venue } from './tables.ts'

/** One row of every kind with the canary's marker in it, for the probes to look for from another tenant. */
export async function seedCanary(tenant: Tenant, marker: string): Promise<{ ids: string[] }> {
  const startsAt = new Date('2026-07-17T18:00:00Z')
  const endsAt = new Date('2026-07-17T19:00:00Z')
  const common = {
    artist: marker,
    genres: [marker],
    venue: marker,
    city: marker,
    timeZone: 'Europe/Berlin',
    stage: marker,
  }
  const secret = {
    startsAt: endsAt,
    endsAt: new Date('2026-07-17T20:00:00Z'),
    title: secretOf(marker),
    published: false,
  }
  await importLineup(tenant, [
    { ...common, startsAt, endsAt, title: marker, published: true },
    { ...common, ...secret },
  ])
  const sponsorId = await keepSponsor(tenant, {
    name: marker,
    tier: 'partner',
    picture: `<svg><!--${marker}--></svg>`,
  })
  const tables = [venue, stage, artist, performance]
  const ids = await tenant.transaction(async (db) => {
    const found: string[] = []
    for (const table of tables)
      found.push(...(await db.select({ id: table.id }).from(table).where(sql`true`)).map(({ id }) => id))
    return found
  })
  return { ids: [...ids, sponsorId] }
}

/** The title of the canary's unpublished performance. */
export const secretOf = (marker: string): string => `unpublished ${marker}`

/** An account of the canary's, connected once. */
export const seedAccount = (vault: VaultApi) => async (tenant: Tenant, marker: string) => {
  const [known] = await listAccounts(tenant)
  const account = { platform: 'mastodon' as const, handle: marker, accessToken: marker }
  return { ids: [known?.id ?? (await keepAccount(vault, tenant, account))] }
}
