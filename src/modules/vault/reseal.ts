import type { AsMigrator } from '../../data/migrator.ts'
import { declaredSecrets, type SecretField } from '../../data/secretColumn.ts'
import { quoteName, type SqlClient } from '../../data/sql.ts'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import { nameOf, type Store, sealedColumns } from './sealedColumns.ts'
import type { Sealing } from './vault.ts'

const unknownField = defineProblem({
  code: 'sealed-column-unknown',
  status: 500,
  title: 'There are sealed columns that the running code does not know',
})

/** Rows that are sealed anew in one transaction. */
const BATCH = 500

/** What became of a column's secrets. `left`: those that do not open; a destroyed tenant's are not counted. */
export interface Resealed {
  field: string
  database: string
  done: number
  left: number
}

/**
 * Seals everything in a store anew that is not in `form`, a regular expression for the current version. What is done is
 * seen from the rows themselves, so a run that was killed is simply run again. Also reaches suspended tenants.
 */
export function resealStore(
  asMigrator: AsMigrator,
  sealing: Pick<Sealing, 'reseal'>,
  store: Store,
  form: string,
  onProgress: (progress: Resealed) => void,
): Promise<void> {
  return asMigrator(
    'seal secrets anew',
    async (client) => {
      const present = await sealedColumns(client)
      const declared = declaredSecrets()
      const unknown = present.filter((one) => !declared.some(({ name }) => name === nameOf(one)))
      if (unknown.length > 0)
        throw unknownField(`${unknown.map(nameOf).join(', ')}: run it with the app that has these columns.`)
      for (const field of declared.filter(({ name }) => present.some((one) => nameOf(one) === name))) {
        const progress = { field: field.name, database: store.database, done: 0, left: 0 }
        let after = '(0,0)'
        do {
          const batch = await inTransaction(client, () =>
            resealBatch(client, sealing, store, field, form, after),
          )
          progress.done += batch.done
          progress.left += batch.left
          after = batch.last
          onProgress(progress)
        } while (after !== '')
      }
    },
    store.database,
  )
}

async function resealBatch(
  client: SqlClient,
  sealing: Pick<Sealing, 'reseal'>,
  { tenantIds }: Store,
  field: SecretField,
  form: string,
  after: string,
): Promise<{ done: number; left: number; last: string }> {
  const table = `${quoteName(field.schema)}.${quoteName(field.table)}`
  const column = quoteName(field.column)
  const context = field.context.map(({ column, key }) => `${quoteName(column)}::text AS ${quoteName(key)}`)
  // A locked row keeps its place (ctid) to the end of the transaction, and a new one is already in the current form.
  const { rows } = await client.query<Record<string, string> & { at: string; owner: string; sealed: string }>(
    `SELECT ctid::text AS at, tenant_id AS owner, ${column} AS sealed, ${context.join(', ')}
     FROM ${table} WHERE ctid > $1::tid AND ${column} !~ $2 AND tenant_id = ANY ($3)
     ORDER BY ctid LIMIT ${BATCH} FOR UPDATE`,
    [after, form, tenantIds],
  )
  const anew: { at: string; sealed: string }[] = []
  let left = 0
  for (const { at, owner, sealed, ...row } of rows) {
    try {
      anew.push({ at, sealed: await sealing.reseal({ id: owner }, field, row, sealed) })
    } catch (error) {
      if (!isCode(error, 'vault-refused', 'vault-destroyed')) throw error
      // What does not open stays as it is, for people to look at; it has raised its alert.
      if (isCode(error, 'vault-refused')) left += 1
    }
  }
  await client.query(
    `UPDATE ${table} t SET ${column} = d.sealed FROM unnest($1::text[], $2::text[]) d (at, sealed)
     WHERE t.ctid = d.at::tid`,
    [anew.map(({ at }) => at), anew.map(({ sealed }) => sealed)],
  )
  const last = rows.length === BATCH ? (rows.at(-1)?.at ?? '') : ''
  return { done: anew.length, left, last }
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Problem && codes.includes(error.code)
}

async function inTransaction<T>(client: SqlClient, work: () => Promise<T>): Promise<T> {
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
