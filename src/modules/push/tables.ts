import { jsonb, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { secret } from '../../data/secretColumn.ts'
import { tenantTable } from '../../data/tenantTable.ts'

/** Apple Push Notification service, Firebase Cloud Messaging. */
export const SERVICES = ['apns', 'fcm'] as const
export type Service = (typeof SERVICES)[number]

const service = () => text({ enum: SERVICES }).notNull()

export const credential = tenantTable('push.credential', {
  service: service(),
  keyId: text('key_id').notNull(),
  about: jsonb().$type<Record<string, string>>().notNull(),
  fingerprint: text().notNull(),
  /** PEM (PKCS #8). */
  privateKey: secret('private_key', ['service', 'key_id']).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
})

export const device = tenantTable('push.device', {
  id: uuid().notNull(),
  service: service(),
  token: secret('token', ['id', 'service']).notNull(),
  registeredAt: timestamp('registered_at', { withTimezone: true }).notNull(),
})
