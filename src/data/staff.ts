import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import pg from 'pg'
import { databases, roles } from './roles.ts'
import type { SqlClient } from './sql.ts'

/** Prefix of the roles that people log in as. */
const PREFIX = 'staff_'

/** The server logs every statement of the superuser and of the people's roles; only a superuser can end that. */
export async function logPeople(client: SqlClient): Promise<void> {
  await client.query(`
    GRANT ${roles.staff} TO ${roles.staffProbe};
    ALTER ROLE ${roles.staffProbe} SET log_statement = 'all';
    ALTER ROLE CURRENT_USER SET log_statement = 'all'`)
}

/**
 * Opens the database to a person until `until`: a role of their own that reads everything but keys, changes nothing, and
 * whose statements are logged. Again for the same person: another password and time. `client` is a superuser's in the
 * database `postgres`.
 */
export async function openStaff(
  client: SqlClient,
  person: string,
  until: Date,
): Promise<{ user: string; password: string }> {
  const user = `${PREFIX}${person}`
  const name = pg.escapeIdentifier(user)
  const password = randomBytes(18).toString('base64url')
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user])
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE datdba = $1::regrole AND datname NOT IN ($2, $3)',
    [roles.owner, databases.keys, databases.template],
  )
  const open = rows.map(({ datname }) => pg.escapeIdentifier(datname)).join(', ')
  // One message is one transaction; BYPASSRLS because rows lie behind their tenants' contexts.
  await client.query(`
    ${rowCount ? 'ALTER' : 'CREATE'} ROLE ${name} LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE
      PASSWORD ${pg.escapeLiteral(verifierOf(password))} VALID UNTIL ${pg.escapeLiteral(until.toISOString())};
    GRANT ${roles.staff}, pg_read_all_data TO ${name};
    GRANT CONNECT ON DATABASE ${open} TO ${roles.staff};
    ALTER ROLE ${name} SET log_statement = 'all'`)
  return { user, password }
}

/** Closes the database to a person and ends their sessions. False when it was not open. */
export async function closeStaff(client: SqlClient, person: string): Promise<boolean> {
  const user = `${PREFIX}${person}`
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [user])
  if (!rowCount) return false
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(user)} NOLOGIN`)
  await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [user])
  await client.query(`DROP ROLE ${pg.escapeIdentifier(user)}`)
  return true
}

/** What the server keeps of a password (RFC 5802, RFC 7677), made here so that the password is in no log of the server. */
function verifierOf(password: string): string {
  const [salt, rounds] = [randomBytes(16), 4_096]
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`
}
