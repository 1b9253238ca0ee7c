import { and, eq } from 'drizzle-orm'
import { newId, type Tenant, type VaultApi } from '../../src/index.ts'
import { socialAccount } from './tables.ts'

/** An account as somebody connects it. */
export interface NewAccount {
  platform: (typeof socialAccount.platform.enumValues)[number]
  handle: string
  accessToken: string
}

/** Connects an account, or gives the one that is there a new token. Returns its id. */
export async function keepAccount(
  vault: VaultApi,
  tenant: Tenant,
  { platform, handle, accessToken }: NewAccount,
): Promise<string> {
  const same = and(eq(socialAccount.platform, platform), eq(socialAccount.handle, handle))
  return tenant.transaction(async (db) => {
    const [known] = await db.select({ id: socialAccount.id }).from(socialAccount).where(same)
    const id = known?.id ?? newId()
    const row = await vault.seal(tenant, socialAccount, { id, platform, handle, accessToken })
    if (known) await db.update(socialAccount).set(row).where(same)
    else await db.insert(socialAccount).values(row)
    return id
  })
}

/** What there is, without tokens. */
export function listAccounts(tenant: Tenant) {
  const { id, platform, handle } = socialAccount
  return tenant.transaction((db) => db.select({ id, platform, handle }).from(socialAccount).orderBy(id))
}

/** The token of an account, in clear: for posting, and nothing else. Undefined when there is no such account. */
export async function accessTokenOf(
  vault: VaultApi,
  tenant: Tenant,
  id: string,
): Promise<string | undefined> {
  const [row] = await tenant.transaction((db) =>
    db.select().from(socialAccount).where(eq(socialAccount.id, id)),
  )
  return row && ((await vault.open(tenant, socialAccount, row)).accessToken ?? undefined)
}
