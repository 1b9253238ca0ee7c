import { createHmac } from 'node:crypto'

/**
 * A sealed tenant context: `<tenant uuid>.<expiry, Unix seconds, 10 digits>.<HMAC-SHA-256 of what stands before, hex>`.
 * Only the holder of the key can make one; the database checks it with a key that the app role cannot read
 * (tenancy.context), so injected SQL cannot choose another tenant.
 */
export function sealContext(tenantId: string, expiresAt: Date, key: Uint8Array): string {
  const body = `${tenantId}.${Math.floor(expiresAt.getTime() / 1000)}`
  return `${body}.${createHmac('sha256', key).update(body).digest('hex')}`
}
