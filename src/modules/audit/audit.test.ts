import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { newId } from '../../kernel/ids.ts'
import { proof } from '../../proof/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type AuditApi, audit, recordIn } from './index.ts'

let platform: TestPlatform

before(async () => {
  platform = await testPlatform([proof, audit])
})
after(() => platform.stop())

const read = (tenant: Tenant) =>
  tenant.transaction(async (db) => {
    const { rows } = await db.execute(
      sql`SELECT who, act, target, before, after FROM audit.entry ORDER BY at`,
    )
    return rows as { who: string; act: string; target: string; before: unknown; after: unknown }[]
  })

for (const model of ['rows', 'database'] as const) {
  test(`${model}: every change is captured with its actor, in one transaction with it`, async () => {
    const tenant = await platform.makeTenant(model)
    const [person, operator, id] = [newId(), newId(), newId()]
    const acting = tenant.as({ kind: 'member', id: person, impersonator: operator })
    await acting.transaction((db) =>
      db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${id}, 'one')`),
    )
    await tenant.transaction((db) => db.execute(sql`UPDATE tenancy.canary SET marker = 'two'`))
    await acting.transaction((db) => db.execute(sql`DELETE FROM tenancy.canary`))
    await assert.rejects(
      acting.transaction(async (db) => {
        await db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${newId()}, 'gone')`)
        throw new Error('rolled back')
      }),
    )
    const who = `member:${person}+operator:${operator}`
    const row = (marker: string) => ({ tenant_id: tenant.id, id, marker })
    assert.deepEqual(await read(tenant), [
      { who, act: 'INSERT', target: 'tenancy.canary', before: null, after: row('one') },
      { who: '', act: 'UPDATE', target: 'tenancy.canary', before: row('one'), after: row('two') },
      { who, act: 'DELETE', target: 'tenancy.canary', before: row('two'), after: null },
    ])
  })

  test(`${model}: acts are told by modules, alone or in a transaction`, async () => {
    const tenant = (await platform.makeTenant(model)).as({ kind: 'system', id: 'jobs' })
    const { record } = platform.api('audit') as AuditApi
    await record(tenant, { act: 'vault.reveal', target: 'credential 1', details: { field: 'p8' } })
    await tenant.transaction((db) => recordIn(db, { act: 'export.made', target: 'tenant' }))
    assert.deepEqual(
      (await read(tenant)).map(({ who, act, after }) => [who, act, after]),
      [
        ['system:jobs', 'vault.reveal', { field: 'p8' }],
        ['system:jobs', 'export.made', null],
      ],
    )
    await assert.rejects(record(tenant, { act: 'DELETE', target: 'x' }))
  })

  test(`${model}: secrets are not copied into the trail, only that they changed`, async () => {
    const tenant = await platform.makeTenant(model)
    const at = new Date().toISOString()
    await tenant.transaction(async (db) => {
      await db.execute(sql`INSERT INTO identity.person (id, email, name, role, password, created_at)
        VALUES (${newId()}, 'a@b.example', 'A', 'owner', '$secret-one', ${at})`)
      await db.execute(sql`UPDATE identity.person SET password = '$secret-two'`)
      await db.execute(sql`UPDATE identity.person SET name = 'B'`)
    })
    const trail = await read(tenant)
    assert.doesNotMatch(JSON.stringify(trail), /secret-/)
    assert.deepEqual(
      trail.map(({ after }) => (after as { password: string }).password),
      ['(secret)', '(secret, changed)', '(secret)'],
    )
  })
}

test('a new table is captured without anybody doing a thing, and nobody switches that off', async () => {
  const asMigrator = (statement: string) =>
    platform.stores.asMigrator(
      'test',
      async (client) => {
        await client.query('BEGIN; SET ROLE surety_owner')
        try {
          await client.query(
            `CREATE TABLE public.forgotten (tenant_id uuid NOT NULL, id int, api_secret text); ${statement}`,
          )
          const { rows } = await client.query(
            `SELECT t.tgenabled, t.tgargs::text FROM pg_trigger t
             WHERE t.tgrelid = 'public.forgotten'::regclass ORDER BY t.tgname`,
          )
          return rows
        } finally {
          await client.query('ROLLBACK')
        }
      },
      databases.pool,
    )
  assert.deepEqual(await asMigrator(''), [
    { tgenabled: 'A', tgargs: `\\x${Buffer.from('api_secret\0').toString('hex')}` },
    { tgenabled: 'A', tgargs: '\\x' },
  ])
  for (const attack of [
    'ALTER TABLE public.forgotten DISABLE TRIGGER audit_capture',
    'ALTER TABLE public.forgotten DISABLE TRIGGER ALL',
    'ALTER TABLE public.forgotten ENABLE REPLICA TRIGGER audit_capture',
    'DROP TRIGGER audit_capture ON public.forgotten',
    'DROP TABLE audit.entry',
    'DROP SCHEMA audit CASCADE',
    'ALTER TABLE audit.entry DISABLE TRIGGER ALL',
    'DELETE FROM audit.entry',
    'TRUNCATE audit.entry',
    'DROP EVENT TRIGGER audit_after_ddl',
    'SET session_replication_role = replica',
    `CREATE OR REPLACE FUNCTION audit.capture() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
  ])
    await assert.rejects(
      asMigrator(attack),
      /stays on|cannot be dropped|must be owner|permission denied|must be superuser/,
      attack,
    )
  await asMigrator('DROP TABLE public.forgotten; CREATE TABLE public.forgotten (tenant_id uuid, id int)')
})

test('preparing again leaves what is whole alone, and mends what is not', async () => {
  const inPool = (statement: string) =>
    platform.asSuperuser(databases.pool, (client) => client.query(statement))
  const made = async () =>
    (await inPool("SELECT string_agg(oid::text, ' ' ORDER BY oid) AS oids FROM pg_event_trigger")).rows[0]
      .oids
  const prepareAgain = async () => {
    await platform.stop()
    platform = await testPlatform([proof, audit])
  }
  const before = await made()
  await prepareAgain()
  assert.equal(await made(), before)
  await inPool('ALTER TABLE audit.entry DISABLE TRIGGER append_only')
  await prepareAgain()
  const { rows } = await inPool("SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'audit.entry'::regclass")
  assert.deepEqual(rows, [{ tgenabled: 'A' }])
})
