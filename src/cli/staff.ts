import type { Command } from 'commander'
import { parseDatabaseUrl, type SqlClient, withConnection } from '../data/sql.ts'
import { closeStaff, openStaff } from '../data/staff.ts'
import { duration } from '../kernel/duration.ts'
import { superuserUrl } from './environment.ts'

/** Adds `staff`: people who look into the database itself, for a while and on the record. */
export function addStaffCommands(program: Command): void {
  const staff = program.command('staff').description('people at the database: for a while, and on the record')
  staff
    .command('open')
    .description('let a person read the database; prints a password once')
    .argument('<person>', 'a-z, 0-9 and _', parsePerson)
    .option('--for <time>', 'such as 30m or 4h', '1h')
    .action(open)
  staff
    .command('close')
    .description("end a person's access and sessions")
    .argument('<person>', '', parsePerson)
    .action(close)
}

function parsePerson(text: string): string {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(text)) throw new Error('A person is named by a-z, 0-9 and _.')
  return text
}

async function open(person: string, options: { for: string }): Promise<void> {
  const until = new Date(Date.now() + duration.parse(options.for))
  const { user, password } = await asSuperuser((client) => openStaff(client, person, until))
  console.log(`${user} until ${until.toISOString()}\npassword, shown this once: ${password}`)
}

async function close(person: string): Promise<void> {
  const closed = await asSuperuser((client) => closeStaff(client, person))
  console.log(closed ? `${person} is out` : `${person} had no access`)
}

function asSuperuser<T>(work: (client: SqlClient) => Promise<T>): Promise<T> {
  const address = parseDatabaseUrl(process.env.DATABASE_URL ?? superuserUrl('postgres'))
  return withConnection({ ...address, database: 'postgres' }, work)
}
