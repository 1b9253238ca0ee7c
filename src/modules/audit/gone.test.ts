import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'drizzle-orm'
import { ownPostgres } from '../../../test/support/ownPostgres.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { runAudit, writeMarker as write } from '../../../test/support/trail.ts'
import { openActorSeals } from '../../data/actor.ts'
import { databases } from '../../data/roles.ts'
import { systemClock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { proof } from '../../proof/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { audit } from './index.ts'
import { expireEntries, type Sealing } from './sealRound.ts'

let platform: TestPlatform
let end: () => Promise<void>
before(async () => {
  end = await ownPostgres()
  platform = await testPlatform([proof, audit])
})
after(async () => {
  await platform?.stop()
  await end?.()
})

const run = (name: string) => runAudit(platform, name)

const asSuperuser = (database: string, statement: string) =>
  platform.asSuperuser(database, (client) => client.query(statement))

const read = async (tenant: Tenant) =>
  (await tenant.transaction((db) => db.execute(sql`SELECT id FROM audit.entry`))).rows

test('entries of an erased tenant are not missed; those of one that is still there are', async () => {
  const tenant = await platform.makeTenant('rows')
  await write(tenant, 'one')
  await run('audit:seal')
  const missing = async () => (await run('audit:verify')).filter((line) => line.includes(tenant.id))
  const before = (await run('audit:verify')).length
  await asSuperuser(
    databases.pool,
    `INSERT INTO tenancy.suspended (id) VALUES ('${tenant.id}'); DELETE FROM tenancy.canary WHERE tenant_id = '${tenant.id}';
     SELECT audit.forget('${tenant.id}')`,
  )
  assert.match((await missing()).join(), /called erased, and it is still there/)
  await asSuperuser(
    databases.control,
    `DELETE FROM tenancy.host WHERE tenant_id = '${tenant.id}'; DELETE FROM tenancy.tenant WHERE id = '${tenant.id}'`,
  )
  assert.equal((await run('audit:verify')).length, before)
})

test('old entries leave the trail and are not missed; young ones stay, and are missed', async () => {
  const tenant = await platform.makeTenant('rows')
  await write(tenant, 'old')
  await write(tenant, 'young')
  await run('audit:seal')
  const age = (what: string, statement: string) =>
    asSuperuser(
      databases.pool,
      `ALTER TABLE ${what} DISABLE TRIGGER append_only; ${statement}; ALTER TABLE ${what} ENABLE ALWAYS TRIGGER append_only`,
    )
  const own = `tenant_id = '${tenant.id}' AND after->>'marker' = 'old'`
  await age('audit.entry', `UPDATE audit.entry SET at = at - interval '400 days' WHERE ${own}`)
  assert.match((await run('audit:verify')).join(), /was changed/)
  const { sealer, sealerAddress: address } = platform.stores
  const sealing = { sealer, address, tenancy: platform.tenancy, clock: systemClock } as unknown as Sealing
  assert.equal(await expireEntries(sealing, 365 * 86_400_000), 1)
  assert.ok(
    (await run('audit:verify')).some((line) => /is gone/.test(line)),
    'its seal is young',
  )
  const newest = 'batch = (SELECT max(batch) FROM audit.seal)'
  await age('audit.seal', `UPDATE audit.seal SET at = at - interval '400 days' WHERE ${newest}`)
  assert.doesNotMatch((await run('audit:verify')).join(), /is gone|was changed/)
  assert.equal((await read(tenant)).length, 1)
})

test('what the migrator changes names the reason, and counts as the platform’s own', async () => {
  const tenant = await platform.makeTenant('rows')
  await write(tenant, 'one')
  await platform.stores.asMigrator(
    'mend a marker',
    (client) => client.query(`UPDATE tenancy.canary SET marker = 'two' WHERE tenant_id = '${tenant.id}'`),
    databases.pool,
  )
  await run('audit:seal')
  const { rows } = await asSuperuser(
    databases.pool,
    `SELECT who FROM audit.entry WHERE tenant_id = '${tenant.id}' AND act = 'UPDATE'`,
  )
  assert.deepEqual(rows, [{ who: 'system:migrator.mend-a-marker' }])
  assert.doesNotMatch((await run('audit:verify')).join(), /did not seal/)
})

test('an actor that the platform did not seal is noticed', async () => {
  const tenant = await platform.makeTenant('rows')
  const elsewhere = openActorSeals(Buffer.alloc(32, 1), systemClock)
  const forged = elsewhere.of(tenant.id, { kind: 'member', id: newId() })
  await tenant.transaction(async (db) => {
    await db.execute(sql`SELECT set_config('app.actor', ${forged}, true)`)
    await db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${newId()}, 'forged')`)
  })
  await write(tenant, 'true')
  await run('audit:seal')
  const { rows } = await asSuperuser(
    databases.pool,
    `SELECT e.after->>'marker' AS marker FROM audit.seal s JOIN audit.entry e ON e.id = ANY (s.unproven)`,
  )
  assert.deepEqual(rows, [{ marker: 'forged' }])
  assert.ok((await run('audit:verify')).includes('1 entries name an actor whom the platform did not seal'))
})
