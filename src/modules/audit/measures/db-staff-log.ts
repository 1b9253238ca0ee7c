import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stores } from '../../../data/index.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import { databases, roles } from '../../../data/roles.ts'
import { readSecret } from '../../../data/secrets.ts'
import { type SqlAddress, type SqlClient, withConnection } from '../../../data/sql.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { deploymentTrail } from '../trail.ts'

/** What the probe works with. */
interface Parts {
  stores: Pick<Stores, 'control' | 'asMigrator' | 'address' | 'appPassword' | 'secrets'>
  /** Reads the server's log now; undefined where this deployment does not have it. */
  collect: (() => Promise<number>) | undefined
}

/** The server logs a statement before it runs it; the probe collects by itself, so it needs no minute (ms). */
const WITHIN = 5_000

/** LARA-07. As somebody who works at the database itself. */
export function dbStaffLog({ stores, collect }: Parts): Measure {
  return measure({
    key: 'db.staff.log',
    sources: ['LARA-07'],
    family: 'input',
    maps: { gdpr: ['5(2)', '32(1)(b)'], iso27001: ['A.8.2', 'A.8.15'] },
    timeout: 120_000,
    claim: {
      de: () =>
        'Greift ein Mitarbeiter direkt auf die Datenbank zu, steht jede seiner Anweisungen mit seiner Rolle binnen einer Minute im unveränderlichen Protokoll. Abschalten kann er das nicht.',
      en: () =>
        'When staff work at the database itself, each of their statements is in the immutable record within a minute, with their role. They cannot switch that off.',
    },
    async prove({ check, positiveControl, notObservable }) {
      if (!collect)
        return notObservable('NO_DATABASE_LOG_HERE', "The database server's log cannot be read from here.")
      const { control, address, secrets, asMigrator } = stores
      check('roles of people whose statements are not logged', [], await unlogged(asMigrator))
      const password = readSecret(join(secrets, 'staff-probe-password'))
      const staff: SqlAddress = { ...address, user: roles.staffProbe, password, database: databases.control }
      const [read, hidden, notRun] = [newId(), newId(), newId()]
      await withConnection(staff, (client) => client.query(`SELECT '${read}'`))
      const off = await withConnection(staff, async (client) => {
        const outcome = await outcomeOf(client, "SET log_statement = 'none'")
        await client.query(`SELECT\n'${hidden}'`)
        return outcome
      })
      check('a person switches the log off', 'refused', off)
      const statements = async () =>
        (await deploymentTrail(control).page({ who: `staff:${roles.staffProbe}` }, 50))
          .map(({ after }) => String(after?.statement))
          .filter((statement) => [read, hidden, notRun].some((id) => statement.includes(id)))
      const expected = [`SELECT '${read}'`, `SELECT\n'${hidden}'`]
      for (const deadline = Date.now() + WITHIN; Date.now() < deadline; await sleep(500)) {
        await collect()
        if ((await statements()).length >= expected.length) break
      }
      const seen = await statements()
      positiveControl(
        'a statement that nobody ran is not in the record',
        false,
        String(seen).includes(notRun),
      )
      check('statements of the session in the record, with their role', expected.length, seen.length)
      check('they are as they were run', expected.toSorted().map(withoutIds), seen.toSorted().map(withoutIds))
    },
  })
}

const withoutIds = (statement: string): string => statement.replaceAll(/'[0-9a-f-]{36}'/g, "'…'")

/** Everybody who can log in and is none of the platform's own roles. */
async function unlogged(asMigrator: AsMigrator): Promise<string[]> {
  return asMigrator('look at whose statements are logged', async (client) => {
    const { rows } = await client.query<{ rolname: string }>(
      `SELECT r.rolname FROM pg_roles r LEFT JOIN pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0
       WHERE r.rolcanlogin AND (r.rolsuper OR r.rolname !~ '^(tenant_|surety_spare_)' AND NOT r.rolname = ANY ($1))
         AND NOT coalesce('log_statement=all' = ANY (s.setconfig), false) ORDER BY 1`,
      [Object.values(roles).filter((role) => role !== roles.staffProbe)],
    )
    return rows.map(({ rolname }) => rolname)
  })
}

async function outcomeOf(client: SqlClient, statement: string): Promise<string> {
  return client.query(statement).then(
    () => 'done',
    () => 'refused',
  )
}
