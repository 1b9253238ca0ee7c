import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stores } from '../../data/index.ts'
import { quoteName, type SqlClient } from '../../data/sql.ts'
import { TRIAL_PREFIX } from './canaries.ts'
import { tenantRole } from './credentials.ts'
import { eraseRows, rowsLeft, waitForOlder } from './eraseRows.ts'
import { tenantNotErasable, tenantNotFound } from './problems.ts'
import { settleState } from './state.ts'
import type { IsolationModel } from './tenant.ts'

/** A tenant that answers nowhere any more and of which nothing is to be left. */
export interface ClosedTenant {
  id: string
  slug: string
  model: IsolationModel
  database: string
  canary: boolean
}

/** The parts of erasing a tenant. Each is safe to repeat, touches what belongs to this id alone, and says what failed. */
export interface Erasing {
  /**
   * From here on the tenant answers nowhere and there is no way back. `note` writes, in the same transaction of the
   * control database, why. With `suspendedBefore` only a tenant that is suspended since then, as read in that
   * transaction. Throws Problems `tenant-not-found` (404) and `tenant-not-erasable` (409).
   */
  begin(
    slug: string,
    suspendedBefore: Date | null,
    note: (client: SqlClient, tenant: ClosedTenant) => Promise<unknown>,
  ): Promise<ClosedTenant>
  /** Those that were begun and still have a line in the registry. */
  begun(): Promise<ClosedTenant[]>
  /** Its store takes no more changes, its role no more logins; those under way have ended. */
  close(tenant: ClosedTenant): Promise<void>
  /** Drops its database and role, or deletes its rows from the pool and the trail of their changes. */
  dropStore(tenant: ClosedTenant): Promise<void>
  dropFiles(tenant: ClosedTenant): Promise<void>
  /** Removes every key of Redis that carries its id. */
  dropCache(tenant: ClosedTenant): Promise<void>
  /** Takes it from the registry: slug and hosts are free again. */
  deregister(tenant: ClosedTenant): Promise<void>
  /** What there still is of it, in words; empty when nothing. */
  remains(tenant: ClosedTenant): Promise<string[]>
}

/** `told` is called when the registry changed. */
export function openErasing(stores: Stores, told: () => Promise<void>): Erasing {
  const { asMigrator, redis, files } = stores
  const folder = ({ slug }: ClosedTenant) => join(files, 'filestore', slug)

  /** Since a slug is free again after an erasure, what carries it alone may be another tenant's. */
  async function slugIsAnothers({ id, slug }: ClosedTenant): Promise<boolean> {
    const rows = await stores.control.query<{ id: string }>('SELECT id FROM tenancy.tenant WHERE slug = $1', [
      slug,
    ])
    return rows.some((row) => row.id !== id)
  }
  async function hasDatabase({ id, database }: ClosedTenant): Promise<boolean> {
    const there = await asMigrator('look for a tenant database', (client) =>
      client.query('SELECT FROM pg_database WHERE datname = $1', [database]),
    )
    if (there.rowCount === 0) return false
    const home = await asMigrator(
      'ask a database whose it is',
      (client) => client.query<{ id: string }>('SELECT id FROM tenancy.home'),
      database,
    ).catch((error: { code?: string }) => {
      // 3D000: somebody who was killed meanwhile had it dropped already.
      if (error.code === '3D000') return { rows: [] }
      throw error
    })
    return home.rows[0]?.id === id
  }

  return {
    async begin(slug, suspendedBefore, note) {
      const tenant = await asMigrator(`begin to erase ${slug}`, (client) =>
        begin(client, slug, suspendedBefore, note),
      )
      await told()
      return tenant
    },
    begun: () =>
      stores.control.query<ClosedTenant & Record<string, unknown>>(
        `SELECT id, slug, model, database, canary FROM tenancy.tenant WHERE state = 'erasing' ORDER BY slug`,
      ),
    async close(tenant) {
      await settleState(asMigrator, tenant.id)
      await stores.tenants.forget(tenant.database)
      if (tenant.model === 'rows') await waitForOlder(asMigrator)
      else if (await hasDatabase(tenant))
        await asMigrator(`close the store of ${tenant.slug}`, async (client) => {
          await client.query(`ALTER ROLE ${quoteName(tenantRole(tenant.slug))} NOLOGIN`)
          // Its own sessions: the server's, such as a vacuum, are not ours to end.
          await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
            tenantRole(tenant.slug),
          ])
        })
    },
    async dropStore(tenant) {
      if (tenant.model === 'rows') return eraseRows(asMigrator, tenant.id)
      if (await hasDatabase(tenant))
        await asMigrator(`drop the database of ${tenant.slug}`, (client) =>
          client.query(`DROP DATABASE IF EXISTS ${quoteName(tenant.database)} WITH (FORCE)`),
        )
      if (!(await slugIsAnothers(tenant)))
        await asMigrator(`drop the role of ${tenant.slug}`, (client) =>
          client.query(`DROP ROLE IF EXISTS ${quoteName(tenantRole(tenant.slug))}`),
        )
    },
    async dropFiles(tenant) {
      if (!(await slugIsAnothers(tenant))) await rm(folder(tenant), { recursive: true, force: true })
    },
    async dropCache({ id }) {
      for await (const keys of keysOf(redis, id)) await redis.unlink(...keys)
    },
    async deregister({ id, slug }) {
      await asMigrator(`deregister ${slug}`, async (client) => {
        await client.query('BEGIN')
        await client.query('DELETE FROM tenancy.host WHERE tenant_id = $1', [id])
        await client.query('DELETE FROM tenancy.tenant WHERE id = $1', [id])
        await client.query('COMMIT')
      })
      await told()
    },
    async remains(tenant) {
      const found: string[] = []
      const { id, slug, model } = tenant
      if (model === 'rows') found.push(...(await rowsLeft(asMigrator, id)))
      else if (await hasDatabase(tenant)) found.push('its database')
      const isAnothers = await slugIsAnothers(tenant)
      if (!isAnothers && model === 'database' && (await hasRole(asMigrator, slug))) found.push('its role')
      if (!isAnothers && existsSync(folder(tenant))) found.push('files')
      for await (const keys of keysOf(redis, id)) found.push(...(keys.length > 0 ? ['keys in Redis'] : []))
      const lines = await stores.control.query('SELECT FROM tenancy.tenant WHERE id = $1', [id])
      if (lines.length > 0) found.push('its line in the registry')
      return [...new Set(found)]
    },
  }
}

async function begin(
  client: SqlClient,
  slug: string,
  suspendedBefore: Date | null,
  note: (client: SqlClient, tenant: ClosedTenant) => Promise<unknown>,
): Promise<ClosedTenant> {
  await client.query('BEGIN')
  try {
    const { rows } = await client.query<ClosedTenant & { state: string; suspended_at: Date | null }>(
      `SELECT id, slug, model, database, canary, state, suspended_at FROM tenancy.tenant WHERE slug = $1 FOR UPDATE`,
      [slug],
    )
    const [found] = rows
    if (!found || found.state === 'erasing') throw tenantNotFound(`There is no tenant "${slug}".`)
    const { state, suspended_at: since, ...tenant } = found
    if (tenant.canary && !slug.startsWith(TRIAL_PREFIX))
      throw tenantNotErasable(`${slug} is a canary that probes need.`)
    if (suspendedBefore && !(since && since <= suspendedBefore))
      throw tenantNotErasable(`${slug} is ${state}; its time is not over.`)
    await client.query(`UPDATE tenancy.tenant SET state = 'erasing', settled = false WHERE id = $1`, [
      tenant.id,
    ])
    await note(client, tenant)
    await client.query('COMMIT')
    return tenant
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

async function hasRole(asMigrator: Stores['asMigrator'], slug: string): Promise<boolean> {
  const { rowCount } = await asMigrator('look for a role', (client) =>
    client.query('SELECT FROM pg_roles WHERE rolname = $1', [tenantRole(slug)]),
  )
  return rowCount !== 0
}

/** Batches of keys with the tenant's id in them: its cache, its limits, whatever a module keeps there under its id. */
async function* keysOf(redis: Stores['redis'], id: string): AsyncIterable<string[]> {
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `*${id}*`, 'COUNT', 1_000)
    if (keys.length > 0) yield keys
    cursor = next
  } while (cursor !== '0')
}
