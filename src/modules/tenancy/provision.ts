import { z } from 'zod'
import type { AsMigrator } from '../../data/migrator.ts'
import { databases, roles, SPARE_PREFIX } from '../../data/roles.ts'
import { quoteName, quoteText, type SqlClient } from '../../data/sql.ts'
import { newId } from '../../kernel/ids.ts'
import { tenantPassword, tenantRole } from './credentials.ts'
import { invalidTenant, tenantExists } from './problems.ts'
import type { IsolationModel } from './tenant.ts'

/** Labels that would shadow the deployment's own hosts or databases. */
const RESERVED = ['trust', 'admin', 'www', 'api', 'mail', 'localhost', 'postgres', 'template0', 'template1']

const request = z.object({
  slug: z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
      'a slug is a DNS label: a-z, 0-9 and -, at most 40, starting with a letter',
    )
    .refine((slug) => !RESERVED.includes(slug), 'this slug is reserved'),
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
  const id = newId()
  const { model } = parsed.data
  const spare = model === 'database' ? await takeSpare(asMigrator) : undefined
  await asMigrator(`make tenant ${parsed.data.slug}`, async (client) => {
    await client.query('BEGIN')
    try {
      if (spare) await claimDatabase(client, spare, parsed.data.slug, tenantPassword(tenantRoleSecret, id))
      await register(client, id, parsed.data)
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw asProblem(error, parsed.data.slug)
    }
  })
  return id
}

async function takeSpare(asMigrator: AsMigrator): Promise<string> {
  return asMigrator('take a spare tenant database', async (client) => {
    const [spare] = await findSpares(client)
    return spare ?? makeSpare(client)
  })
}

/** Spares that were finished: a crash before the last step leaves one that accepts no connection, and is dropped. */
async function findSpares(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND datallowconn ORDER BY datname',
    [SPARE_PREFIX],
  )
  return rows.map(({ datname }) => datname)
}

async function makeSpare(client: SqlClient): Promise<string> {
  const name = `${SPARE_PREFIX}${newId().replaceAll('-', '')}`
  // wal_log copies the template through the log: 27 ms against 65 ms for file_copy, and no checkpoint.
  await client.query(
    `CREATE DATABASE ${name} OWNER ${roles.owner} TEMPLATE ${databases.template} STRATEGY wal_log ALLOW_CONNECTIONS false`,
  )
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
  await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${roles.migrator}`)
  await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
  return name
}

async function claimDatabase(
  client: SqlClient,
  spare: string,
  slug: string,
  password: string,
): Promise<void> {
  const database = quoteName(slug)
  const role = quoteName(tenantRole(slug))
  await client.query(`ALTER DATABASE ${spare} RENAME TO ${database}`)
  await client.query(`CREATE ROLE ${role} LOGIN IN ROLE ${roles.tenant} PASSWORD ${quoteText(password)}`)
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}`)
}

async function register(client: SqlClient, id: string, tenant: z.output<typeof request>): Promise<void> {
  const database = tenant.model === 'database' ? tenant.slug : databases.pool
  await client.query(
    `INSERT INTO tenancy.tenant (id, slug, name, model, state, database, canary) VALUES ($1, $2, $3, $4, 'active', $5, $6)`,
    [id, tenant.slug, tenant.name, tenant.model, database, tenant.canary],
  )
  await client.query('INSERT INTO tenancy.host (host, tenant_id) SELECT unnest($2::text[]), $1', [
    id,
    tenant.hosts,
  ])
}

/** 42P04 duplicate_database, 42710 duplicate_object (role), 23505 unique_violation. */
function asProblem(error: unknown, slug: string): unknown {
  const code = (error as { code?: string }).code ?? ''
  return ['42P04', '42710', '23505'].includes(code)
    ? tenantExists(`"${slug}" or one of its hosts is taken; choose another.`, { cause: error })
    : error
}
