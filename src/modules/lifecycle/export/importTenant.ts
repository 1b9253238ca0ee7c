import type { Readable } from 'node:stream'
import { sql } from 'drizzle-orm'
import type { TenantDatabase } from '../../../data/statement.ts'
import { defineProblem } from '../../../kernel/problems.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { FILES } from './archive.ts'
import { checkHashes, type OpenedExport, openExport } from './read.ts'
import { exported, isImportable, quoted, type Table, tablesOf } from './tables.ts'

const otherSchema = defineProblem({
  code: 'export-other-schema',
  status: 409,
  title: 'The export comes from other tables than there are here',
})

const BATCH = 500

/** What became of an import. */
export interface Imported {
  /** Rows by table. What was there by the same key stays as it is and is not counted. */
  rows: Record<string, number>
  /** Tables that were left out: their rows are nothing without secrets, or say who is signed in. */
  leftOut: string[]
  files: number
}

/**
 * Brings an export into a tenant, in that tenant's own context. Hashes are compared first; rows come in one transaction, then
 * files, each whole or not at all: after a crash, import it again. Throws Problems `export-invalid` (400) and
 * `export-other-schema` (409).
 */
export async function importTenant(tenant: Tenant, path: string): Promise<Imported> {
  const archive = await openExport(path)
  try {
    await checkHashes(archive)
    const { rows, leftOut } = await tenant.transaction((db) => importRows(db, archive))
    for (const file of archive.manifest.files)
      await tenant.files.write(file.path, await archive.stream(`${FILES}${file.path}`))
    return { rows, leftOut, files: archive.manifest.files.length }
  } finally {
    archive.close()
  }
}

async function importRows(
  db: TenantDatabase,
  { manifest, stream }: OpenedExport,
): Promise<Pick<Imported, 'rows' | 'leftOut'>> {
  const tables = await tablesOf(db)
  const unknown = manifest.tables.filter(
    ({ name, rows }) => rows > 0 && !tables.some((table) => table.name === name),
  )
  if (unknown.length > 0) throw otherSchema(`There is no ${unknown.map(({ name }) => name).join(', ')} here.`)
  const rows: Record<string, number> = {}
  // In the order of this database: a table after those that it refers to.
  for (const table of tables) {
    const found = manifest.tables.find(({ name }) => name === table.name)
    if (found && found.rows > 0 && isImportable(table))
      rows[table.name] = await importTable(db, table, linesOf(await stream(found.path)))
  }
  return {
    rows,
    leftOut: manifest.tables
      .filter((table) => table.rows > 0 && !(table.name in rows))
      .map(({ name }) => name),
  }
}

async function importTable(db: TenantDatabase, table: Table, lines: AsyncIterable<string>): Promise<number> {
  const target = sql.raw(quoted(table.name))
  let count = 0
  const insert = async (batch: readonly string[]): Promise<void> => {
    if (batch.length === 0) return
    const columns = columnsOf(table, batch[0] as string)
    const { rowCount } = await db.execute(sql`
      INSERT INTO ${target} (${sql.raw(columns)})
      SELECT ${sql.raw(columns)} FROM jsonb_populate_recordset(NULL::${target}, ${`[${batch.join(',')}]`}::jsonb)
      ON CONFLICT DO NOTHING`)
    count += rowCount ?? 0
  }
  let batch: string[] = []
  for await (const line of lines) {
    batch.push(line)
    if (batch.length < BATCH) continue
    await insert(batch)
    batch = []
  }
  await insert(batch)
  return count
}

/** The columns that the export and this database have in common; what is new here gets its default. */
function columnsOf(table: Table, line: string): string {
  const given = Object.keys(JSON.parse(line))
  return exported(table)
    .filter(({ name, isGenerated }) => !isGenerated && given.includes(name))
    .map(({ name }) => quoted(name))
    .join(', ')
}

/** Lines end with a line feed alone: other characters that some call line ends may stand in a text. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
