import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { databases, roles } from '../../data/roles.ts'
import { quoteName, quoteText, type SqlAddress, type SqlClient, withConnection } from '../../data/sql.ts'
import { whileThere } from '../../data/whileThere.ts'

/**
 * Installs the audit trail and the capture of changes in every database of the deployment. `superuser` reaches the
 * server's database `postgres`; it owns the trail, so that none of the deployment's own roles can change it. Run after
 * the migrations; safe to repeat, also after a crash: each database is one transaction. What is whole is left alone, so
 * that a restart locks nothing.
 */
export async function installAudit(superuser: SqlAddress): Promise<void> {
  const scripts = await readScripts()
  const inControl = <T>(work: (client: SqlClient) => Promise<T>) =>
    withConnection({ ...superuser, database: databases.control }, work)
  for (const database of await inControl(ownDatabases)) {
    const installed = () =>
      withConnection({ ...superuser, database }, (client) => install(client, database, scripts))
    await whileThere(database, installed, inControl)
  }
}

type Scripts = Record<'trail' | 'seal' | 'tenant' | 'control', string>

async function readScripts(): Promise<Scripts> {
  const read = (name: string) => readFile(new URL(`./install/${name}.sql`, import.meta.url), 'utf8')
  const [trail, seal, tenant, control] = await Promise.all(['trail', 'seal', 'tenant', 'control'].map(read))
  return { trail, seal, tenant, control } as Scripts
}

/** Control, pool, template, and what was made from the template. */
async function ownDatabases(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datdba = $1::regrole AND NOT starts_with(datname, 'surety_draft_') ORDER BY datname`,
    [roles.owner],
  )
  return rows.map(({ datname }) => datname)
}

async function install(client: SqlClient, database: string, scripts: Scripts): Promise<void> {
  const isControl = database === databases.control
  if (!isControl && !(await holdsTenants(client))) return
  const { rows } = await client.query<{ name: string }>('SELECT current_user AS name')
  const script = `${scripts.trail}\n${scripts.seal}\n${isControl ? scripts.control : scripts.tenant}`
    .replaceAll(':installer', quoteText(rows[0]?.name ?? ''))
    .replaceAll(
      ':tenant_of_row',
      isControl
        ? "'00000000-0000-0000-0000-000000000000'"
        : "CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END",
    )
    .replaceAll(':is_captured', isControl ? 'true' : HAS_TENANT)
  const version = createHash('sha256').update(script).digest('hex')
  if (await isWhole(client, version)) return
  await client.query(`${script}\nCOMMENT ON SCHEMA audit IS '${version}'`)
  if (!isControl) await client.query(`GRANT CONNECT ON DATABASE ${quoteName(database)} TO ${roles.sealer}`)
}

/** Whether just this version is installed, and nothing of it is switched off. */
async function isWhole(client: SqlClient, version: string): Promise<boolean> {
  const installed = await client.query<{ version: string | null }>(
    "SELECT obj_description(to_regnamespace('audit'), 'pg_namespace') AS version",
  )
  if (installed.rows[0]?.version !== version) return false
  const { rows } = await client.query<{ whole: boolean }>(`
    SELECT NOT EXISTS (SELECT FROM audit.captured_tables() WHERE lack <> '')
      AND (SELECT count(*) = 2 AND bool_and(evtenabled = 'A') FROM pg_event_trigger WHERE evtname ~ '^audit_after_')
      AND NOT EXISTS (SELECT FROM pg_class c LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'append_only'
        WHERE c.relnamespace = 'audit'::regnamespace AND c.relkind = 'r' AND c.relname <> 'log_position'
          AND t.tgenabled IS DISTINCT FROM 'A')
      AND (SELECT relrowsecurity FROM pg_class WHERE oid = 'audit.entry'::regclass) AS whole`)
  return rows[0]?.whole ?? false
}

const HAS_TENANT = `EXISTS (SELECT FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped)`

/** A scratch database of a probe or a restore is none of ours. */
async function holdsTenants(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    "SELECT to_regclass('tenancy.context') IS NOT NULL AS there",
  )
  return rows[0]?.there ?? false
}
