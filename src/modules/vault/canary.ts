import { text, uuid } from 'drizzle-orm/pg-core'
import { secret } from '../../data/secretColumn.ts'
import { tenantTable } from '../../data/tenantTable.ts'

/** Tokens of social accounts that exist in canary tenants for the length of a probe. */
export const canary = tenantTable('vault.canary', {
  socialAccountId: uuid('social_account_id').notNull(),
  platform: text().notNull(),
  accessToken: secret('access_token', ['social_account_id', 'platform']),
  refreshToken: secret('refresh_token', ['social_account_id', 'platform']),
})
