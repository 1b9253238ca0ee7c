import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'drizzle-orm'
import { ownPostgres } from '../../../test/support/ownPostgres.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { runAudit, writeMarker } from '../../../test/support/trail.ts'
import { databases } from '../../data/roles.ts'
import { newId } from '../../kernel/ids.ts'
import type { ProofApi } from '../../proof/api.ts'
import { proof } from '../../proof/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { audit } from './index.ts'
import { ROUNDS, type RoundRecord } from './sealRound.ts'

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

const rounds = () => (platform.api('proof') as ProofApi).records<RoundRecord>(ROUNDS, 100)

describe('sealing', () => {
  test('new entries of every store come under one leaf, with a heartbeat; without news nothing is added', async () => {
    const [rows, database] = [await platform.makeTenant('rows'), await platform.makeTenant('database')]
    await writeMarker(rows, 'a')
    await writeMarker(database, 'b')
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
      await writeMarker(tenant, 'late')
      assert.deepEqual(await run('audit:seal'), ['0 entries sealed'])
    })
    assert.deepEqual(await run('audit:seal'), ['2 entries sealed'])
  })

  test('a seal that a crash left without its leaf is found again', async () => {
    const tenant = await platform.makeTenant('rows')
    await writeMarker(tenant, 'a')
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
      await writeMarker(tenant, 'one')
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
