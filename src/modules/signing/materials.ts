import { createHash } from 'node:crypto'
import { eq } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { VaultApi } from '../vault/index.ts'
import { noMaterial } from './problems.ts'
import { type KINDS, material } from './tables.ts'

/** A keystore or a provisioning profile, in clear: for a tool that signs and nothing else. */
export interface Material {
  name: string
  kind: (typeof KINDS)[number]
  content: Buffer
  /** Null for what is not protected by one. */
  passphrase: string | null
}

/** As people see it. */
export interface MaterialLine {
  name: string
  kind: Material['kind']
  sha256: string
  updatedAt: string
}

/** What tenants' apps are signed with. */
export interface Materials {
  keep(tenant: Tenant, given: Material): Promise<void>
  list(tenant: Tenant): Promise<MaterialLine[]>
  /** Whether there was one. */
  remove(tenant: Tenant, name: string): Promise<boolean>
  /** Throws `signing-material` (404). */
  open(tenant: Tenant, name: string): Promise<Material>
}

export function openMaterials(vault: VaultApi, clock: Clock): Materials {
  return {
    async keep(tenant, { name, kind, content, passphrase }) {
      const sha256 = createHash('sha256').update(content).digest('hex')
      const clear = {
        name,
        kind,
        content: content.toString('base64'),
        passphrase,
        sha256,
        updatedAt: clock.now(),
      }
      const row = await vault.seal(tenant, material, clear)
      await tenant.transaction((db) =>
        db
          .insert(material)
          .values(row)
          .onConflictDoUpdate({ target: [material.tenantId, material.name], set: row }),
      )
    },
    async list(tenant) {
      const { name, kind, sha256, updatedAt } = material
      const rows = await tenant.transaction((db) =>
        db.select({ name, kind, sha256, updatedAt }).from(material).orderBy(name),
      )
      return rows.map((row) => ({ ...row, updatedAt: row.updatedAt.toISOString() }))
    },
    remove: (tenant, name) =>
      tenant.transaction(async (db) => {
        const gone = await db
          .delete(material)
          .where(eq(material.name, name))
          .returning({ name: material.name })
        return gone.length > 0
      }),
    async open(tenant, name) {
      const [row] = await tenant.transaction((db) =>
        db.select().from(material).where(eq(material.name, name)),
      )
      if (!row) throw noMaterial(`There is no "${name}"; enter it first.`)
      const { kind, content, passphrase } = await vault.open(tenant, material, row)
      return { name, kind, content: Buffer.from(content, 'base64'), passphrase }
    },
  }
}
