import type { AsMigrator } from '../../../data/migrator.ts'
import { databases, roles } from '../../../data/roles.ts'
import type { SqlClient } from '../../../data/sql.ts'
import { type Measure, measure } from '../../../proof/measure.ts'

/** CAST-39. */
export function dbRoleApp(asMigrator: AsMigrator): Measure {
  return measure({
    key: 'db.role.app',
    sources: ['CAST-39'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.2'] },
    claim: {
      de: () =>
        `Die Anwendung arbeitet als ${roles.app}, ohne BYPASSRLS, ohne besondere Rechte und ohne eigene Objekte.`,
      en: () =>
        `The application works as ${roles.app}, without BYPASSRLS, without special rights, and owns nothing.`,
    },
    async prove({ check, positiveControl }) {
      await asMigrator('look at the rights of the app role', async (client) => {
        positiveControl(
          'the same look sees the rights of the migrator',
          ['BYPASSRLS', 'CREATEDB', 'CREATEROLE'],
          await rights(client, roles.migrator),
        )
        check(
          'special rights of the app role, its own and by membership',
          [],
          await rights(client, roles.app),
        )
        check('special rights of a role that tenants work as', [], await rights(client, roles.tenant))
        check('predefined roles that the app role belongs to', [], await predefined(client, roles.app))
      })
      await asMigrator(
        'look at what the app role owns',
        (client) => ownership(client, check, positiveControl),
        databases.pool,
      )
    },
  })
}

type Record = (what: string, expected: unknown, observed: unknown) => void

async function ownership(client: SqlClient, check: Record, positiveControl: Record): Promise<void> {
  positiveControl(
    'the same look sees that the owner role owns tables',
    true,
    (await owned(client, roles.owner)) > 0,
  )
  check('objects that the app role owns in the pooled store', 0, await owned(client, roles.app))
}

const CLOSURE = `WITH RECURSIVE member AS (
  SELECT oid FROM pg_roles WHERE rolname = $1
  UNION SELECT m.roleid FROM pg_auth_members m JOIN member ON m.member = member.oid
)`

async function rights(client: SqlClient, role: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `${CLOSURE} SELECT DISTINCT a.name FROM member JOIN pg_roles r USING (oid), LATERAL (VALUES
       (r.rolsuper, 'SUPERUSER'), (r.rolbypassrls, 'BYPASSRLS'), (r.rolcreaterole, 'CREATEROLE'),
       (r.rolcreatedb, 'CREATEDB'), (r.rolreplication, 'REPLICATION')) a (held, name)
     WHERE a.held ORDER BY 1`,
    [role],
  )
  return rows.map(({ name }) => name)
}

async function predefined(client: SqlClient, role: string): Promise<string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    `${CLOSURE} SELECT r.rolname FROM member JOIN pg_roles r USING (oid) WHERE starts_with(r.rolname, 'pg_') ORDER BY 1`,
    [role],
  )
  return rows.map(({ rolname }) => rolname)
}

async function owned(client: SqlClient, role: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT (SELECT count(*) FROM pg_class WHERE relowner = r.oid)::int + (SELECT count(*) FROM pg_proc WHERE proowner = r.oid)::int
       + (SELECT count(*) FROM pg_namespace WHERE nspowner = r.oid)::int AS n
     FROM pg_roles r WHERE r.rolname = $1`,
    [role],
  )
  return rows[0]?.n ?? 0
}
