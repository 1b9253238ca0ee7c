import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { audit } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, audit])
})
after(() => platform?.stop())

const prove = (database: string, sabotage: string, repair: string, seen: RegExp) => {
  const run = (statement: string) => platform.asSuperuser(database, (client) => client.query(statement))
  return proveBySabotage(platform.api('proof') as ProofApi, 'audit.data.changes', {
    sabotage: () => run(sabotage),
    repair: () => run(repair),
    seen,
  })
}

it('audit.data.changes goes red when the capture of a table is switched off', () =>
  prove(
    databases.pool,
    'ALTER TABLE tenancy.canary DISABLE TRIGGER audit_capture',
    'ALTER TABLE tenancy.canary ENABLE ALWAYS TRIGGER audit_capture',
    /rows: tables without a whole capture/,
  ))

it('audit.data.changes goes red when a tenant writes to a table that nothing captures', () =>
  prove(
    'canary-database-a',
    'CREATE TABLE public.beside (id int); GRANT INSERT ON public.beside TO surety_tenant',
    'DROP TABLE public.beside',
    /database: tables that tenants write and nothing captures/,
  ))

it('audit.data.changes goes red when entries are swallowed', () =>
  prove(
    databases.pool,
    `CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
     CREATE TRIGGER swallow BEFORE INSERT ON audit.entry FOR EACH ROW EXECUTE FUNCTION public.swallow()`,
    'DROP FUNCTION public.swallow() CASCADE',
    /rows: a row made, changed and removed/,
  ))

it('audit.data.changes goes red when a tenant may write its trail', () =>
  prove(
    databases.pool,
    `GRANT INSERT ON audit.entry TO surety_tenant; CREATE POLICY forge ON audit.entry FOR INSERT TO surety_tenant WITH CHECK (true)`,
    `DROP POLICY forge ON audit.entry; REVOKE INSERT ON audit.entry FROM surety_tenant`,
    /rows: ways to change a row without an entry/,
  ))

it('audit.data.changes goes red when a tenant sees the trail of another', () =>
  prove(
    databases.pool,
    'CREATE POLICY peek ON audit.entry FOR SELECT TO surety_tenant USING (true)',
    'DROP POLICY peek ON audit.entry',
    /rows: entries of the other canary that this one sees/,
  ))
