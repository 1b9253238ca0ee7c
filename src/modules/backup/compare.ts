import type { SqlClient } from '../../data/sql.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { describeContent, describeShape, tenantTables } from './content.ts'
import type { Manifest } from './manifest.ts'

const notAsManifest = defineProblem({
  code: 'backup-differs',
  status: 500,
  title: 'What the backup gave is not what was backed up',
})

/**
 * Ways in which what was loaded differs from what was backed up; none when it is the same. Needs a transaction of the
 * caller's.
 */
export async function compareWithManifest(client: SqlClient, manifest: Manifest): Promise<string[]> {
  const differences: string[] = []
  const shape = await describeShape(client)
  if (shape.schema !== manifest.shape.schema) differences.push('the schema differs')
  const found = new Map((await describeContent(client)).map((table) => [table.name, table]))
  for (const { name, rows, hash } of manifest.tables) {
    const table = found.get(name)
    if (!table) differences.push(`${name} is missing`)
    else if (table.rows !== rows) differences.push(`${name} has ${table.rows} rows, not ${rows}`)
    else if (table.hash !== hash) differences.push(`rows of ${name} differ`)
    found.delete(name)
  }
  differences.push(...[...found.keys()].map((name) => `${name} is not in the backup`))
  for (const table of await tenantTables(client)) {
    const others = await client.query(`SELECT FROM ${table} WHERE tenant_id <> $1 LIMIT 1`, [
      manifest.tenantId,
    ])
    if (others.rowCount) differences.push(`${table} has rows of another tenant`)
  }
  return differences
}

/** Throws a Problem `backup-differs` when it is not what was backed up. */
export async function verifyLoaded(client: SqlClient, manifest: Manifest): Promise<void> {
  const differences = await inTransaction(client, () => compareWithManifest(client, manifest))
  if (differences.length > 0) throw notAsManifest(`${differences.slice(0, 5).join('; ')}.`)
}

/** Runs `work` in a transaction of `client`. */
export async function inTransaction<T>(client: SqlClient, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}
