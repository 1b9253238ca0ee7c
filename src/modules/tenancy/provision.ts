import { z } from 'zod'
import type { AsMigrator } from '../../data/migrator.ts'
import { DRAFT_PREFIX, databases, roles, SPARE_PREFIX } from '../../data/roles.ts'
import { quoteName, quoteText, type SqlClient } from '../../data/sql.ts'
import { newId } from '../../kernel/ids.ts'
import { tenantPassword, tenantRole } from './credentials.ts'
import { invalidTenant, tenantExists } from './problems.ts'
import { Slug } from './slug.ts'
import type { IsolationModel } from './tenant.ts'

/** Labels that would shadow the deployment's own hosts or databases. */
const RESERVED = ['trust', 'admin', 'www', 'api', 'mail', 'localhost', 'postgres', 'template0', 'template1']

const request = z.object({
  slug: Slug.refine((slug) => !RESERVED.includes(slug), 'this slug is reserved'),
  name: z.string().min(1).max(200),
  model: z.enum(['database', 'rows']),
  hosts: z
    .array(z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a host is lower-case ASCII without port'))
    .min(1),
  canary: z.boolean().default(false),
})

export interface NewTenant {
  slug: string
  name: string
  model: IsolationModel
  hosts: string[]
  canary?: boolean
}

/**
 * Makes a tenant. A tenant of the `database` model gets a ready-made database: renaming it, its role, its grants and
 * the registry line are one transaction of the cluster, so a crash leaves a whole tenant or none. Returns the id.
 * Throws Problems `tenant-invalid` (400) and `tenant-exists` (409).
 */
export async function provisionTenant(
  asMigrator: AsMigrator,
  tenantRoleSecret: string,
  tenant: NewTenant,
): Promise<string> {
  const parsed = request.safeParse(tenant)
  if (!parsed.success) throw invalidTenant(parsed.error.issues.map((issue) => issue.message).join('; '))
  for (let tries = 1; ; tries++) {
    try {
      return await makeOnce(asMigrator, tenantRoleSecret, parsed.data)
    } catch (error) {
      // 3D000 invalid_catalog_name: another provisioning took the spare first.
      if ((error as { code?: string }).code !== '3D000' || tries === MOST_TRIES) throw error
    }
  }
}

const MOST_TRIES = 10

async function makeOnce(
  asMigrator: AsMigrator,
  tenantRoleSecret: string,
  tenant: z.output<typeof request>,
): Promise<string> {
  const spare = tenant.model === 'database' ? await takeSpare(asMigrator, tenantRoleSecret) : undefined
  // A ready-made database belongs to an id from the beginning.
  const id = spare ? idOfSpare(spare) : newId()
  await asMigrator(`make tenant ${tenant.slug}`, async (client) => {
    await client.query('BEGIN')
    try {
      if (spare) await claimDatabase(client, spare, tenant.slug)
      await register(client, id, tenant)
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw asProblem(error, tenant.slug)
    }
  })
  return id
}

async function takeSpare(asMigrator: AsMigrator, tenantRoleSecret: string): Promise<string> {
  const [spare] = await asMigrator('look for a spare tenant database', findSpares)
  return spare ?? makeSpare(asMigrator, tenantRoleSecret)
}

/** Spares that were finished; a crash before the last step leaves one by another name. */
export async function findSpares(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY datname',
    [SPARE_PREFIX],
  )
  return rows.map(({ datname }) => datname)
}

/**
 * Makes a tenant database and its login role in advance, for a tenant whose id is in their name. Deriving a password
 * (SCRAM) costs milliseconds, so it is done here and not while somebody waits. Returns the name.
 */
export async function makeSpare(asMigrator: AsMigrator, tenantRoleSecret: string): Promise<string> {
  const id = newId()
  const plain = id.replaceAll('-', '')
  const draft = `${DRAFT_PREFIX}${plain}`
  await asMigrator('make a tenant database', async (client) => {
    await dropDrafts(client)
    await makeDraft(client, draft)
  })
  await asMigrator('give a tenant database its tenant', (client) => keepHome(client, id), draft)
  const name = `${SPARE_PREFIX}${plain}`
  const password = quoteText(tenantPassword(tenantRoleSecret, id))
  await asMigrator('finish a tenant database', async (client) => {
    // One message is one transaction: a spare has its role or does not exist.
    await client.query(`
      CREATE ROLE ${name} LOGIN IN ROLE ${roles.tenant} PASSWORD ${password};
      GRANT CONNECT ON DATABASE ${draft} TO ${name};
      ALTER DATABASE ${draft} RENAME TO ${name}`)
  })
  return name
}

async function makeDraft(client: SqlClient, draft: string): Promise<void> {
  // wal_log copies the template through the log: 27 ms against 65 ms for file_copy, and no checkpoint.
  await client.query(
    `CREATE DATABASE ${draft} OWNER ${roles.owner} TEMPLATE ${databases.template} STRATEGY wal_log`,
  )
  await client.query(`REVOKE ALL ON DATABASE ${draft} FROM PUBLIC`)
  await client.query(`GRANT CONNECT ON DATABASE ${draft} TO ${roles.migrator}, ${roles.sealer}`)
}

/**
 * Makes the database of a tenant that is in the registry anew, empty, where it is gone; a crash leaves it gone or whole.
 * Returns whether it was.
 */
export async function remakeDatabase(
  asMigrator: AsMigrator,
  tenantRoleSecret: string,
  { id, slug, isSuspended }: { id: string; slug: string; isSuspended: boolean },
): Promise<boolean> {
  const [database, role] = [quoteName(slug), quoteName(tenantRole(slug))]
  const draft = `${DRAFT_PREFIX}${newId().replaceAll('-', '')}`
  const there = await asMigrator('look whether a tenant has its database', async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [slug])
    if (rowCount === 0) await makeDraft(client, draft)
    return rowCount === 1
  })
  if (there) return false
  await asMigrator(
    'give a tenant database its tenant',
    async (client) => {
      await keepHome(client, id)
      if (isSuspended) await client.query('INSERT INTO tenancy.suspended (id) VALUES ($1)', [id])
    },
    draft,
  )
  await asMigrator('put a tenant database in its place', async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [tenantRole(slug)])
    const password = quoteText(tenantPassword(tenantRoleSecret, id))
    await client.query(`
      ${rowCount === 0 ? `CREATE ROLE ${role} LOGIN IN ROLE ${roles.tenant} PASSWORD ${password};` : ''}
      GRANT CONNECT ON DATABASE ${draft} TO ${role};
      ALTER DATABASE ${draft} RENAME TO ${database}`)
  })
  return true
}

/** Writes, in a tenant's own database, whose it is. */
export async function keepHome(client: SqlClient, id: string): Promise<void> {
  await client.query(`SET ROLE ${roles.owner}`)
  await client.query('INSERT INTO tenancy.home (id) VALUES ($1) ON CONFLICT DO NOTHING', [id])
  await client.query('RESET ROLE')
}

/** The id that a spare was made for. */
export function idOfSpare(name: string): string {
  const plain = name.slice(SPARE_PREFIX.length)
  return plain.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Milliseconds after which a database that is still being made surely is not any more. */
const DRAFT_LIFE = 60_000

/** What a crash left half made. The name tells when it was begun (UUIDv7). */
async function dropDrafts(client: SqlClient): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
    [DRAFT_PREFIX],
  )
  for (const { datname } of rows) {
    const begun = Number.parseInt(datname.slice(DRAFT_PREFIX.length, DRAFT_PREFIX.length + 12), 16)
    if (begun < Date.now() - DRAFT_LIFE) await client.query(`DROP DATABASE IF EXISTS ${quoteName(datname)}`)
  }
}

async function claimDatabase(client: SqlClient, spare: string, slug: string): Promise<void> {
  await client.query(`
    ALTER DATABASE ${spare} RENAME TO ${quoteName(slug)};
    ALTER ROLE ${spare} RENAME TO ${quoteName(tenantRole(slug))}`)
}

async function register(client: SqlClient, id: string, tenant: z.output<typeof request>): Promise<void> {
  const database = tenant.model === 'database' ? tenant.slug : databases.pool
  await client.query(
    `WITH t AS (INSERT INTO tenancy.tenant (id, slug, name, model, state, database, canary)
       VALUES ($1, $2, $3, $4, 'active', $5, $6) RETURNING id)
     INSERT INTO tenancy.host (host, tenant_id) SELECT unnest($7::text[]), t.id FROM t`,
    [id, tenant.slug, tenant.name, tenant.model, database, tenant.canary, tenant.hosts],
  )
}

/** 42P04 duplicate_database, 42710 duplicate_object (role), 23505 unique_violation. */
function asProblem(error: unknown, slug: string): unknown {
  const code = (error as { code?: string }).code ?? ''
  return ['42P04', '42710', '23505'].includes(code)
    ? tenantExists(`"${slug}" or one of its hosts is taken; choose another.`, { cause: error })
    : error
}
