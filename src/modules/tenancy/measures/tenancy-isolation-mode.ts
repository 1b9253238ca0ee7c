import type { AsMigrator } from '../../../data/migrator.ts'
import { databases } from '../../../data/roles.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { CanaryPair } from '../canaries.ts'
import type { IsolationModel } from '../tenant.ts'
import { unprotectedTables } from '../unprotectedTables.ts'

interface Models {
  models: readonly IsolationModel[]
}

/** FEST-15, LARA-08, CAST-38: three pages promise three models; the sentence follows the setting. */
export function tenancyIsolationMode(
  settings: Models,
  asMigrator: AsMigrator,
  canaries: () => Promise<CanaryPair[]>,
): Measure<Models> {
  return measure<Models>({
    key: 'tenancy.isolation.mode',
    sources: ['FEST-15', 'LARA-08', 'CAST-38'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.31'] },
    settings,
    claim: {
      de: ({ models }) => models.map((model) => GERMAN[model]).join(' '),
      en: ({ models }) => models.map((model) => ENGLISH[model]).join(' '),
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        const stores = model === 'rows' ? [databases.pool] : [a.slug, b.slug]
        for (const store of stores) {
          const found = await asMigrator(
            'look for tables outside row-level security',
            unprotectedTables,
            store,
          )
          check(`${store}: tables that a tenant can reach and no policy protects`, [], found)
          const planted = await asMigrator('plant a table without row-level security', plantedTables, store)
          positiveControl(`${store}: a planted table without a policy is seen`, ['planted'], planted)
        }
        if (model === 'database') {
          const names = await asMigrator('list databases', (client) =>
            databasesNamed(client, [a.slug, b.slug]),
          )
          check('each canary has a database named after its slug', [a.slug, b.slug].sort(), names)
        }
      }
    },
  })
}

const GERMAN = {
  database: 'Jeder Mandant hat eine eigene PostgreSQL-Datenbank, die nach seinem Kürzel benannt ist.',
  rows: 'Zeilen in gemeinsamen Tabellen trennt die Datenbank selbst (Row-Level Security, erzwungen).',
}
const ENGLISH = {
  database: 'Each tenant has a PostgreSQL database of its own, named after its slug.',
  rows: 'Rows in shared tables are separated by the database itself (row-level security, forced).',
}

type Client = Parameters<typeof unprotectedTables>[0]

async function databasesNamed(client: Client, slugs: string[]): Promise<string[]> {
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE datname = ANY ($1) ORDER BY datname',
    [slugs],
  )
  return rows.map(({ datname }) => datname)
}

/** What the detector finds while a bad table exists; the table never outlives the transaction. */
async function plantedTables(client: Client): Promise<string[]> {
  await client.query('BEGIN')
  try {
    await client.query('SET LOCAL ROLE surety_owner')
    await client.query('CREATE TABLE planted (tenant_id uuid NOT NULL)')
    await client.query('GRANT SELECT ON planted TO surety_tenant')
    return await unprotectedTables(client)
  } finally {
    await client.query('ROLLBACK')
  }
}
