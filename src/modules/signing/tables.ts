import { customType, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { secret } from '../../data/secretColumn.ts'
import { tenantTable } from '../../data/tenantTable.ts'

export const KINDS = ['keystore', 'provisioning-profile'] as const

const instant = (name: string) => timestamp(name, { withTimezone: true })
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

export const material = tenantTable('signing.material', {
  name: text().notNull(),
  kind: text({ enum: KINDS }).notNull(),
  /** Base64. */
  content: secret('content', ['name', 'kind']).notNull(),
  passphrase: secret('passphrase', ['name', 'kind']),
  sha256: text().notNull(),
  updatedAt: instant('updated_at').notNull(),
})

export const token = tenantTable('signing.token', {
  id: uuid().notNull(),
  hash: bytea().notNull(),
  materials: text().array().notNull(),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
})
