import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stores } from '../../data/index.ts'
import type { AsMigrator } from '../../data/migrator.ts'
import { quoteName } from '../../data/sql.ts'

/** Something to look for, by its name in the record. */
export interface Sought {
  name: string
  /** Any of these texts is it. */
  forms: readonly string[]
}

/** Says of each of `sought` whether a text contains it. */
type Look = (text: string) => void

/** Names of those of `sought` that were found, sorted. */
async function find(sought: readonly Sought[], work: (look: Look) => Promise<void>): Promise<string[]> {
  const found = new Set<string>()
  await work((text) => {
    for (const { name, forms } of sought) if (forms.some((form) => text.includes(form))) found.add(name)
  })
  return [...found].sort()
}

/** Rows read at once. */
const PAGE = 1_000

/**
 * Looks through every table of `database`, as text. Of tables that hold rows of tenants only those of `tenantIds`: another
 * tenant's rows are not a probe's business.
 */
export function findInDatabase(
  asMigrator: AsMigrator,
  database: string,
  tenantIds: readonly string[],
  sought: readonly Sought[],
): Promise<string[]> {
  return find(sought, (look) =>
    asMigrator(
      'look for secrets in clear',
      async (client) => {
        const { rows: tables } = await client.query<{ name: string; owned: boolean }>(
          `SELECT c.oid::regclass::text AS name,
             EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
               AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped) AS owned
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             AND has_table_privilege(c.oid, 'SELECT')`,
        )
        await client.query('BEGIN READ ONLY')
        for (const { name, owned } of tables) {
          const condition = owned ? 'WHERE tenant_id = ANY ($1)' : 'WHERE $1::uuid[] IS NOT NULL'
          await client.query(`DECLARE look CURSOR FOR SELECT t::text AS row FROM ${name} t ${condition}`, [
            tenantIds,
          ])
          for (let more = true; more; ) {
            const { rows } = await client.query<{ row: string }>(`FETCH ${PAGE} FROM look`)
            for (const { row } of rows) look(row)
            more = rows.length === PAGE
          }
          await client.query(`CLOSE ${quoteName('look')}`)
        }
        await client.query('COMMIT')
      },
      database,
    ),
  )
}

/** Looks through every key and value of Redis. */
export function findInRedis(redis: Stores['redis'], sought: readonly Sought[]): Promise<string[]> {
  return find(sought, async (look) => {
    let cursor = '0'
    do {
      const [next, keys] = await redis.scan(cursor, 'COUNT', PAGE)
      cursor = next
      for (const key of keys) look(key)
      // DUMP compresses; each kind is read as it is.
      const kinds = await Promise.all(keys.map((key) => redis.type(key)))
      const values = await Promise.all(keys.map((key, i) => readValue(redis, key, kinds[i] as string)))
      look(JSON.stringify(values))
    } while (cursor !== '0')
  })
}

function readValue(redis: Stores['redis'], key: string, kind: string): Promise<unknown> {
  // Between SCAN and here a key may have become another kind, or have gone.
  const gone = () => null
  if (kind === 'string') return redis.get(key).catch(gone)
  if (kind === 'hash') return redis.hgetall(key).catch(gone)
  if (kind === 'list') return redis.lrange(key, 0, -1).catch(gone)
  if (kind === 'set') return redis.smembers(key).catch(gone)
  if (kind === 'zset') return redis.zrange(key, '0', '-1').catch(gone)
  if (kind === 'stream') return redis.xrange(key, '-', '+').catch(gone)
  return Promise.resolve(null)
}

/**
 * Looks through the files of `folder` that were written since `since`, as far as this process may read them, and no
 * further than its file system reaches.
 */
export function findInFiles(folder: string, since: Date, sought: readonly Sought[]): Promise<string[]> {
  const longest = Math.max(...sought.flatMap(({ forms }) => forms.map(({ length }) => length)))
  return find(sought, async (look) => {
    const device = (await stat(folder)).dev
    for await (const file of filesIn(folder, device, since)) {
      let end = ''
      try {
        for await (const chunk of createReadStream(file, 'latin1')) {
          look(end + chunk)
          end = (end + chunk).slice(-longest)
        }
      } catch (error) {
        unlessAway(error)
      }
    }
  })
}

async function* filesIn(folder: string, device: number, since: Date): AsyncIterable<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unlessAway)
  for (const entry of entries ?? []) {
    const path = join(folder, entry.name)
    const kind = entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'other'
    if (kind === 'other') continue
    const found = await stat(path).catch(unlessAway)
    if (!found || found.dev !== device) continue
    if (kind === 'folder') yield* filesIn(path, device, since)
    else if (found.mtime >= since) yield path
  }
}

/** Files come and go while one looks, and some are another user's. */
function unlessAway(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException
  if (!['ENOENT', 'EACCES', 'ENOTDIR'].includes(code ?? '')) throw error
}
