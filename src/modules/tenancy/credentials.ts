import { hkdfSync } from 'node:crypto'

/** The login role of a tenant in the `database` model. */
export function tenantRole(slug: string): string {
  return `tenant_${slug}`
}

/**
 * The password of a tenant's role: derived (HKDF-SHA-256, RFC 5869) from one secret and the tenant's id, so that none
 * has to be stored.
 */
export function tenantPassword(secret: string, tenantId: string): string {
  return Buffer.from(
    hkdfSync('sha256', Buffer.from(secret, 'hex'), '', `tenant role ${tenantId}`, 32),
  ).toString('hex')
}
