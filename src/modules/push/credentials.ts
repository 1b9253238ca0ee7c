import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { VaultApi } from '../vault/index.ts'
import { badKey, notConfigured } from './problems.ts'
import { credential, type Service } from './tables.ts'

const tenOf = z.string().regex(/^[A-Z0-9]{10}$/, 'ten capital letters and digits, as Apple shows it')

/** A `.p8` key of Apple's, and what belongs to it. */
export const ApnsCredential = z.strictObject({
  teamId: tenOf,
  keyId: tenOf,
  /** The app's bundle id. */
  topic: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{2,154}$/),
  privateKey: z.string().max(4_000),
})

/** A service account, as Google hands it out. What else stands in that file is not kept. */
export const FcmCredential = z.object({
  type: z.literal('service_account'),
  project_id: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/),
  private_key_id: z.string().regex(/^[0-9a-f]{40}$/),
  private_key: z.string().max(8_000),
  client_email: z.email(),
})

/** A credential as people see it. */
export interface MaskedCredential {
  service: Service
  keyId: string
  about: Record<string, string>
  fingerprint: string
  updatedAt: string
}

/** A credential as it is used. */
export interface OpenCredential {
  keyId: string
  about: Record<string, string>
  key: KeyObject
}

/** The credentials of tenants at push services. Nobody has any for all tenants. */
export interface Credentials {
  /** Throws Problems `push-key` (400). */
  keepApns(tenant: Tenant, given: z.output<typeof ApnsCredential>): Promise<void>
  keepFcm(tenant: Tenant, given: z.output<typeof FcmCredential>): Promise<void>
  list(tenant: Tenant): Promise<MaskedCredential[]>
  /** Whether there was one. */
  remove(tenant: Tenant, service: Service): Promise<boolean>
  /** For sending. Throws `push-not-configured` (409). */
  open(tenant: Tenant, service: Service): Promise<OpenCredential>
  /** The private key as PEM, for a person who may see it. Throws `push-not-configured` (409). */
  reveal(tenant: Tenant, service: Service): Promise<string>
}

export function openCredentials(vault: VaultApi, clock: Clock): Credentials {
  async function keep(
    tenant: Tenant,
    service: Service,
    { keyId, about, pem }: { keyId: string; about: Record<string, string>; pem: string },
  ): Promise<void> {
    const fingerprint = checkKey(service, pem)
    const clear = { service, keyId, about, fingerprint, privateKey: pem, updatedAt: clock.now() }
    const row = await vault.seal(tenant, credential, clear)
    await tenant.transaction((db) =>
      db
        .insert(credential)
        .values(row)
        .onConflictDoUpdate({ target: [credential.tenantId, credential.service], set: row }),
    )
  }

  async function find(tenant: Tenant, service: Service) {
    const [row] = await tenant.transaction((db) =>
      db.select().from(credential).where(eq(credential.service, service)),
    )
    if (!row) throw notConfigured(`Enter this tenant's own credentials for ${service}.`)
    return vault.open(tenant, credential, row)
  }

  return {
    keepApns: (tenant, { teamId, topic, keyId, privateKey }) =>
      keep(tenant, 'apns', { keyId, about: { teamId, topic }, pem: privateKey }),
    keepFcm: (tenant, { project_id: projectId, client_email: clientEmail, private_key_id, private_key }) =>
      keep(tenant, 'fcm', { keyId: private_key_id, about: { projectId, clientEmail }, pem: private_key }),
    async list(tenant) {
      const { service, keyId, about, fingerprint, updatedAt } = credential
      const shown = { service, keyId, about, fingerprint, updatedAt }
      const rows = await tenant.transaction((db) => db.select(shown).from(credential).orderBy(service))
      return rows.map((row) => ({ ...row, updatedAt: row.updatedAt.toISOString() }))
    },
    remove: (tenant, service) =>
      tenant.transaction(async (db) => {
        const gone = await db
          .delete(credential)
          .where(eq(credential.service, service))
          .returning({ service: credential.service })
        return gone.length > 0
      }),
    async open(tenant, service) {
      const { keyId, about, privateKey } = await find(tenant, service)
      return { keyId, about, key: createPrivateKey(privateKey) }
    },
    reveal: async (tenant, service) => (await find(tenant, service)).privateKey,
  }
}

/** Apple signs with P-256, Google with RSA. Returns the public key's fingerprint. */
function checkKey(service: Service, pem: string): string {
  const key = readKey(pem)
  const isFit =
    service === 'apns'
      ? key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
      : key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048
  if (!isFit)
    throw badKey(service === 'apns' ? 'Apple’s keys are on P-256.' : 'Google’s keys are RSA of 2048 bits.')
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return createHash('sha256').update(spki).digest('hex').slice(0, 16)
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw badKey('It is no private key in PEM form.', { cause })
  }
}
