import { databases } from '../../../data/roles.ts'
import { type SqlAddress, withConnection } from '../../../data/sql.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { inject } from '../attack.ts'
import type { CanaryPair } from '../canaries.ts'
import type { Tenant } from '../tenant.ts'

/** FEST-16: "physically impossible" is true only where no role may even connect to another tenant's database. */
export function tenancyIsolationSql(
  canaries: () => Promise<CanaryPair[]>,
  loginOf: (tenant: Tenant) => SqlAddress,
): Measure {
  return measure({
    key: 'tenancy.isolation.sql',
    sources: ['FEST-16'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.31'] },
    claim: {
      de: () =>
        'Mit den Zugangsdaten eines Mandanten ist keine andere Datenbank erreichbar, auch nicht über Umwege der Datenbank.',
      en: () =>
        "With one tenant's credentials no other database can be reached, nor by any detour through the server.",
    },
    async prove({ check, positiveControl, notApplicable }) {
      const pair = (await canaries()).find(({ model }) => model === 'database')
      if (!pair) return notApplicable('No tenant has a database of its own.')
      const { a, b } = pair
      const login = loginOf(a)
      positiveControl('the tenant reaches its own database', 'connected', await reach(login, a.slug))
      for (const database of [b.slug, ...Object.values(databases), 'postgres', 'template1']) {
        check(`the tenant's login on database ${database}`, 'refused', await reach(login, database))
      }
      positiveControl(
        'a query that the tenant may run answers',
        'nothing seen',
        await inject(a, b, 'SELECT 1'),
      )
      for (const [what, statement] of DETOURS) check(what, 'refused', await inject(a, b, statement))
    },
  })
}

const DETOURS = [
  ['installing dblink', 'CREATE EXTENSION dblink'],
  ['installing postgres_fdw', 'CREATE EXTENSION postgres_fdw'],
  ['a COPY to a program of the server', "COPY (SELECT 1) TO PROGRAM 'cat'"],
  ['a COPY to a file of the server', "COPY (SELECT 1) TO '/tmp/surety-probe'"],
  ['reading a file of the server', "SELECT pg_read_file('PG_VERSION')"],
  ['listing the folders of the server', "SELECT pg_ls_dir('base')"],
  ['reading the names of all databases', 'SELECT datname FROM pg_database'],
] as const

async function reach(login: SqlAddress, database: string): Promise<'connected' | 'refused'> {
  return withConnection({ ...login, database }, () => Promise.resolve('connected' as const)).catch(
    (error: unknown) => {
      // 42501: permission denied for database. Anything else is no answer to the question.
      if ((error as { code?: string }).code === '42501') return 'refused' as const
      throw error
    },
  )
}
