import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { withConnection } from '../../../data/sql.ts'
import { closeStaff, openStaff } from '../../../data/staff.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { audit } from '../index.ts'
import { parseLog } from '../staffLog.ts'

const databaseLog = process.env.SURETY_TEST_POSTGRES_LOG
const skip = !databaseLog && 'the tests run on a server whose log is not here'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, audit], databaseLog ? { audit: { databaseLog } } : {})
})
after(() => platform?.stop())

const run = (statement: string) => platform.asSuperuser('postgres', (client) => client.query(statement))

it('db.staff.log goes red when the server does not log what staff run', { skip }, () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'db.staff.log', {
    sabotage: () => run('ALTER ROLE surety_staff_probe RESET log_statement'),
    repair: () => run("ALTER ROLE surety_staff_probe SET log_statement = 'all'"),
    seen: /statements of the session in the record/,
  }),
)

it('db.staff.log goes red when somebody has a login that is not logged', { skip }, () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'db.staff.log', {
    sabotage: () => run('CREATE ROLE quiet LOGIN'),
    repair: () => run('DROP ROLE quiet'),
    seen: /roles of people whose statements are not logged/,
  }),
)

it('opens the database to a person who reads, and to nobody after that', { skip }, async () => {
  const open = (until: Date) => platform.asSuperuser('postgres', (client) => openStaff(client, 'anna', until))
  const { user, password } = await open(new Date(Date.now() + 60_000))
  const { address } = platform.stores
  const as = (statement: string) =>
    withConnection({ ...address, user, password, database: 'surety_pool' }, (client) =>
      client.query(statement),
    )
  assert.equal((await as('SELECT count(*)::int AS n FROM tenancy.canary')).rowCount, 1)
  await assert.rejects(as('DELETE FROM tenancy.canary'), /permission denied/)
  await open(new Date(Date.now() - 1_000))
  await assert.rejects(as('SELECT 1'), /password authentication failed/)
  assert.equal(await platform.asSuperuser('postgres', (client) => closeStaff(client, 'anna')), true)
  assert.equal(await platform.asSuperuser('postgres', (client) => closeStaff(client, 'anna')), false)
})

it('reads statements of several lines, and is not taken in by text that looks like a line', () => {
  const log = [
    '2030-01-01 10:00:00.123 UTC [12] LOG:  checkpoint starting: time',
    "2030-01-01 10:00:01.000 UTC [13] staff_anna@surety_pool LOG:  statement: SELECT 'a",
    "\t2030-01-01 10:00:01.000 UTC [13] staff_ben@surety_pool LOG:  statement: DROP TABLE x'",
    '2030-01-01 10:00:02.000 UTC [13] staff_anna@surety_pool LOG:  execute <unnamed>: SELECT $1',
    "2030-01-01 10:00:02.000 UTC [13] staff_anna@surety_pool DETAIL:  parameters: $1 = 'b'",
    '2030-01-01 10:00:03.000 UTC [13] staff_anna@surety_pool ERROR:  syntax error',
    '',
  ].join('\n')
  assert.deepEqual(
    parseLog(log).map(({ role, statement }) => [role, statement.split('\n').length]),
    [
      ['staff_anna', 2],
      ['staff_anna', 1],
    ],
  )
})
