import { type Actor, openActorSeals } from '../../data/actor.ts'
import { openFilestore } from '../../data/filestore.ts'
import { keepSecret } from '../../data/secrets.ts'
import { quoteText, type SqlClient } from '../../data/sql.ts'
import type { TenantRecord } from '../tenancy/index.ts'
import type { BackupParts } from './backUp.ts'
import { contentHash, STABLE_OUTPUT, tenantColumns } from './content.ts'
import { type Manifest, measureAll, measured, readObject, type Sealed } from './manifest.ts'
import type { Scratch } from './scratch.ts'
import { storeOf } from './source.ts'

/** Who changed the rows, in the tenant's audit trail. */
const ACTOR: Actor = { kind: 'system', id: 'restore' }

/**
 * Puts the scratch database's rows in place of the tenant's, in one transaction of the tenant's store, which commits only
 * when every table then holds exactly what the scratch database does. Readers see the old rows until then; where the
 * tenant is written to meanwhile, nothing is changed and it throws.
 */
export async function takeOverRows(
  parts: BackupParts,
  scratch: Scratch,
  tenant: TenantRecord,
): Promise<void> {
  const database = storeOf(tenant)
  const script = takeOverScript(parts, scratch, tenant)
  await scratch.programs.feed(
    'psql',
    ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${database}`, '--output=/dev/null'],
    script,
  )
}

async function* takeOverScript(
  { stores, clock }: BackupParts,
  { name, client, programs }: Scratch,
  { id }: TenantRecord,
): AsyncGenerator<Buffer | Uint8Array> {
  const say = (text: string) => Buffer.from(`${text};\n`)
  const tables = await tenantColumns(client)
  const order = await referencedFirst(client)
  const mine = `WHERE tenant_id = ${quoteText(id)}`
  const seals = openActorSeals(Buffer.from(keepSecret(stores.secrets, 'actor-seal'), 'hex'), clock)
  yield say(`BEGIN; SET LOCAL statement_timeout = 0`)
  yield say(`SELECT pg_catalog.set_config('app.actor', ${quoteText(seals.of(id, ACTOR))}, true)`)
  for (const table of order.toReversed()) yield say(`DELETE FROM ${table} ${mine}`)
  const named = tables.map((table) => `--table=${table.name}`)
  // Row security stays on: the capture of changes works as a role that it binds. The migrator is exempt from it anyway.
  const plain = ['--data-only', '--format=plain', '--enable-row-security']
  yield* programs.read('pg_dump', [...plain, `--dbname=${name}`, ...named])
  yield say(STABLE_OUTPUT)
  for (const table of tables) yield say(await checkOf(client, table, mine))
  yield say('COMMIT')
}

/** Stops the transaction unless the table now holds what the scratch database's does. */
async function checkOf(
  client: SqlClient,
  { name, columns }: { name: string; columns: string },
  mine: string,
): Promise<string> {
  const content = `SELECT count(*)::text || ' ' || ${contentHash(columns)} AS content FROM ${name}`
  await client.query('BEGIN')
  try {
    await client.query(STABLE_OUTPUT)
    const { rows } = await client.query<{ content: string }>(content)
    return `DO $check$ BEGIN IF (${content} ${mine}) <> ${quoteText(rows[0]?.content ?? '')} THEN
      RAISE EXCEPTION 'after the restore % is not as in the backup: it was written to meanwhile', ${quoteText(name)};
      END IF; END $check$`
  } finally {
    await client.query('ROLLBACK')
  }
}

/** Tables with tenants' rows, each after those that it refers to. */
async function referencedFirst(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ table: string; refers: string }>(
    `SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS table, format('%I.%I', m.nspname, r.relname) AS refers
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace m ON m.oid = r.relnamespace
     WHERE k.contype = 'f'`,
  )
  const ordered: string[] = []
  const visit = (table: string, above: readonly string[]): void => {
    if (ordered.includes(table) || above.includes(table)) return
    for (const { refers } of rows.filter((row) => row.table === table)) visit(refers, [...above, table])
    ordered.push(table)
  }
  const tables = (await tenantColumns(client)).map(({ name }) => name)
  for (const table of tables) visit(table, [])
  return ordered.filter((table) => tables.includes(table))
}

/**
 * Makes the tenant's folder what the backup holds: writes what is missing or differs, each file verified before it is
 * there, and removes the rest. Safe to repeat.
 */
export async function takeOverFiles(
  parts: BackupParts,
  manifest: Manifest,
  tenant: TenantRecord,
): Promise<void> {
  // Opened here, not by way of the tenant: a suspended one is restored as well.
  const folder = openFilestore({ root: parts.stores.files, folder: tenant.slug })
  const present = new Set(await folder.list())
  for (const { path, sha256, object } of manifest.files) {
    const same =
      present.delete(path) &&
      (await measureAll((await folder.open(path)).stream as AsyncIterable<Uint8Array>)).sha256 === sha256
    if (!same) await folder.write(path, verified(parts, object, sha256))
  }
  for (const path of present) await folder.remove(path)
}

/** Reads every file of a backup and throws when one is missing or not what the manifest says. */
export async function verifyFiles(parts: Sealed, { files }: Manifest): Promise<void> {
  for (const { object, sha256 } of files) await measureAll(verified(parts, object, sha256))
}

async function* verified(parts: Sealed, object: string, sha256: string): AsyncGenerator<Uint8Array> {
  const { stream, passed } = measured(readObject(parts, object))
  yield* stream
  if (passed().sha256 !== sha256) throw new Error(`${object} holds another file than the manifest says.`)
}
