import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'drizzle-orm'
import { ownPostgres } from '../../../test/support/ownPostgres.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { openActorSeals } from '../../data/actor.ts'
import { databases } from '../../data/roles.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { ModuleCommand } from '../../kernel/commands.ts'
import { newId } from '../../kernel/ids.ts'
import type { ProofApi } from '../../proof/api.ts'
import { proof } from '../../proof/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { audit } from './index.ts'
import { expireEntries, ROUNDS, type RoundRecord, type Sealing } from './sealRound.ts'

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

async function run(name: string): Promise<string[]> {
  const { commands } = platform.gives('audit') as { commands: ModuleCommand[] }
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  await commands
    .find((command) => command.name === name)
    ?.run([], print)
    .catch((error: Error) => print(error.message))
  return lines
}

const write = (tenant: Tenant, marker: string) =>
  tenant
    .as({ kind: 'system', id: 'test' })
    .transaction((db) =>
      db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${newId()}, ${marker})`),
    )

const asSuperuser = (database: string, statement: string) =>
  platform.asSuperuser(database, (client) => client.query(statement))

const read = async (tenant: Tenant) =>
  (await tenant.transaction((db) => db.execute(sql`SELECT id FROM audit.entry`))).rows

const rounds = () => (platform.api('proof') as ProofApi).records<RoundRecord>(ROUNDS, 100)

describe('sealing', () => {
  test('new entries of every store come under one leaf, with a heartbeat; without news nothing is added', async () => {
    const [rows, database] = [await platform.makeTenant('rows'), await platform.makeTenant('database')]
    await write(rows, 'a')
    await write(database, 'b')
    assert.match((await run('audit:seal')).join(), /^\d+ entries sealed$/)
    const [newest] = await rounds()
    assert.ok(newest?.intact)
    assert.match(newest.record.root ?? '', /^[0-9a-f]{64}$/)
    const capture = (await rounds()).find(({ record }) => record.capture)?.record.capture
    assert.equal(capture?.lacking, 0)
    assert.ok((capture?.tables ?? 0) > 10)
    const before = (await rounds()).length
    assert.deepEqual(await run('audit:seal'), ['0 entries sealed'])
    assert.equal((await rounds()).length, before)
    assert.match((await run('audit:verify')).join(), /^\d+ sealed entries compared, 0 not sealed yet$/)
  })

  test('an entry of a transaction that still runs waits, and those behind it too', async () => {
    const tenant = await platform.makeTenant('rows')
    await run('audit:seal')
    await tenant.transaction(async (db) => {
      await db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${newId()}, 'early')`)
      await write(tenant, 'late')
      assert.deepEqual(await run('audit:seal'), ['0 entries sealed'])
    })
    assert.deepEqual(await run('audit:seal'), ['2 entries sealed'])
  })

  test('a seal that a crash left without its leaf is found again', async () => {
    const tenant = await platform.makeTenant('rows')
    await write(tenant, 'a')
    await run('audit:seal')
    await asSuperuser(
      databases.control,
      `ALTER TABLE audit.round_seal DISABLE TRIGGER ALL;
       DELETE FROM audit.round_seal WHERE round = (SELECT max(round) FROM audit.round_seal);
       ALTER TABLE audit.round_seal ENABLE ALWAYS TRIGGER append_only`,
    )
    assert.match(
      (await run('audit:verify')).join('\n'),
      /its seals are not those that the evidence log holds/,
    )
    await run('audit:seal')
    const [newest] = await rounds()
    assert.ok(newest?.record.root)
  })
})

describe('what the superuser did is found', () => {
  let tenant: Tenant
  before(async () => {
    await platform.stop()
    platform = await testPlatform([proof, audit])
  })

  const ATTACKS = {
    'changes an entry': [
      `UPDATE audit.entry SET after = jsonb_set(after, '{marker}', '"other"') WHERE tenant_id = '{t}'`,
      /entry \S+ was changed/,
    ],
    'changes who did it': [
      `UPDATE audit.entry SET actor = 'system:other' WHERE tenant_id = '{t}'`,
      /entry \S+ was changed/,
    ],
    'removes an entry': [`DELETE FROM audit.entry WHERE tenant_id = '{t}'`, /entry \S+ is gone/],
    'slips an entry in': [
      `INSERT INTO audit.entry (tenant_id, xact, actor, act, target) SELECT tenant_id, xact, '', 'DELETE', 'x' FROM audit.entry WHERE tenant_id = '{t}'`,
      /entry \S+ was slipped in/,
    ],
    'removes an entry and its seal': [
      `DELETE FROM audit.entry WHERE tenant_id = '{t}'; DELETE FROM audit.seal WHERE batch = (SELECT max(batch) FROM audit.seal)`,
      /seal \d+ is gone/,
    ],
  } as const

  for (const [what, [statement, seen]] of Object.entries(ATTACKS))
    test(what, async () => {
      tenant = await platform.makeTenant('rows')
      await write(tenant, 'one')
      await run('audit:seal')
      const before = (await run('audit:verify')).length
      await asSuperuser(
        databases.pool,
        `ALTER TABLE audit.entry DISABLE TRIGGER ALL; ALTER TABLE audit.seal DISABLE TRIGGER ALL;
         ${statement.replaceAll('{t}', tenant.id)};
         ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER append_only; ALTER TABLE audit.seal ENABLE ALWAYS TRIGGER append_only`,
      )
      const after = await run('audit:verify')
      assert.ok(after.length > before, after.join('\n'))
      assert.match(after.join('\n'), seen)
    })
})

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
  const found = await run('audit:verify')
  assert.ok(found.some((line) => /was changed/.test(line)))
  const { sealer, sealerAddress: address } = platform.stores
  const sealing = { sealer, address, tenancy: platform.tenancy, clock: systemClock } as unknown as Sealing
  assert.equal(await expireEntries(sealing, 365 * 86_400_000), 1)
  assert.ok(
    (await run('audit:verify')).some((line) => /is gone/.test(line)),
    'its seal is young',
  )
  const newest = 'batch = (SELECT max(batch) FROM audit.seal)'
  await age('audit.seal', `UPDATE audit.seal SET at = at - interval '400 days' WHERE ${newest}`)
  assert.equal((await run('audit:verify')).length, found.length - 1)
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
