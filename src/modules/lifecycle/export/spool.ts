import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { sql } from 'drizzle-orm'
import type { TenantDatabase } from '../../../data/statement.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { quoted, type Table, tablesOf } from './tables.ts'

/** The rows of one table, on disk. */
export interface SpooledTable {
  table: Table
  rows: number
  /** Of its lines, hex. */
  sha256: string
  size: number
  stream(): Readable
}

/** All rows of a tenant as they were at one moment. */
export interface Spool {
  readAt: Date
  tables: SpooledTable[]
  close(): Promise<void>
}

const BATCH = 1_000

/**
 * Copies all rows of a tenant to a file without a name: one statement, so one moment for all tables, and a slow client
 * holds no transaction. The file is gone with the process, whatever happens.
 */
export async function spoolRows(tenant: Tenant, now: Date): Promise<Spool> {
  const file = await openNameless()
  try {
    const tables = await tenant.transaction((db) => copyRows(db, file))
    return { readAt: now, tables, close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-export-'))
  try {
    return await open(join(folder, 'rows'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function copyRows(db: TenantDatabase, file: FileHandle): Promise<SpooledTable[]> {
  const tables = await tablesOf(db)
  const all = tables.map((table, index) => `(${selectOf(table, index)})`).join(' UNION ALL ')
  await db.execute(sql.raw(`DECLARE export NO SCROLL CURSOR FOR ${all}`))
  const spooled = tables.map((table) => ({ table, rows: 0, start: 0, size: 0, hash: createHash('sha256') }))
  let position = 0
  for (;;) {
    const { rows } = await db.execute<{ index: number; line: string }>(sql.raw(`FETCH ${BATCH} FROM export`))
    if (rows.length === 0) break
    const bytes: Buffer[] = []
    for (const { index, line } of rows) {
      const one = spooled[index] as (typeof spooled)[number]
      const text = Buffer.from(`${line}\n`)
      if (one.rows === 0) one.start = position
      one.rows += 1
      one.size += text.length
      one.hash.update(text)
      position += text.length
      bytes.push(text)
    }
    // As a whole, or it throws: a bare write may store a part.
    await file.writeFile(Buffer.concat(bytes))
  }
  await db.execute(sql.raw('CLOSE export'))
  return spooled.map(({ table, rows, start, size, hash }) => ({
    table,
    rows,
    size,
    sha256: hash.digest('hex'),
    stream: () => Readable.from(readPart(file, start, size), { objectMode: false }),
  }))
}

/** The database writes the JSON, so that no number loses a digit on its way. */
function selectOf(table: Table, index: number): string {
  const left = ['tenant_id', ...table.columns.filter(({ isSecret }) => isSecret).map(({ name }) => name)]
  const order =
    table.key.length > 0 ? ` ORDER BY ${table.key.map((name) => `t.${quoted(name)}`).join(', ')}` : ''
  return `SELECT ${index} AS index, (to_jsonb(t) - ARRAY[${left.map(text).join(', ')}])::text AS line FROM ${quoted(table.name)} t${order}`
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

const CHUNK = 65_536

/** Not a stream of the file's own: that closes the file when whoever reads goes away. */
async function* readPart(file: FileHandle, start: number, size: number): AsyncGenerator<Buffer> {
  for (let at = start; at < start + size; ) {
    const length = Math.min(CHUNK, start + size - at)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at)
    if (bytesRead === 0) throw new Error('The spooled rows are shorter than what was written.')
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}
