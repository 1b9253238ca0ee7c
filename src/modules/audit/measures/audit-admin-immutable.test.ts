import { after, before, it } from 'node:test'
import { ownPostgres } from '../../../../test/support/ownPostgres.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { audit } from '../index.ts'

let platform: TestPlatform
let end: () => Promise<void>
before(async () => {
  end = await ownPostgres()
  platform = await testPlatform([proof, audit])
  await platform.serve()
})
after(async () => {
  await platform?.stop()
  await end?.()
})

const run = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

it('audit.admin.immutable goes red when the application may change entries', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'audit.admin.immutable', {
    sabotage: () =>
      run(
        'GRANT UPDATE, SELECT ON audit.entry TO surety_app; ALTER TABLE audit.entry DISABLE TRIGGER append_only',
      ),
    repair: () =>
      run(`ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER append_only; REVOKE UPDATE, SELECT ON audit.entry FROM surety_app;
        GRANT SELECT (tenant_id, at, id, login, who, act, target, before, after) ON audit.entry TO surety_app`),
    seen: /worked for surety_app/,
  }))

it('audit.admin.immutable goes red when the owner may switch the capture off', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'audit.admin.immutable', {
    sabotage: () =>
      run('ALTER EVENT TRIGGER audit_after_ddl DISABLE; ALTER EVENT TRIGGER audit_after_drop DISABLE'),
    repair: () =>
      run(
        'ALTER EVENT TRIGGER audit_after_ddl ENABLE ALWAYS; ALTER EVENT TRIGGER audit_after_drop ENABLE ALWAYS',
      ),
    seen: /worked for surety_owner/,
  }))

it('audit.admin.immutable goes red when the superuser changed a sealed entry', () => {
  const change = (by: string) =>
    run(`ALTER TABLE audit.entry DISABLE TRIGGER append_only;
      UPDATE audit.entry SET target = ${by} WHERE id = (SELECT ids[1] FROM audit.seal WHERE batch = 1);
      ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER append_only`)
  return proveBySabotage(platform.api('proof') as ProofApi, 'audit.admin.immutable', {
    sabotage: () => change("target || '?'"),
    repair: () => change("trim(trailing '?' FROM target)"),
    seen: /do not fit the evidence log/,
  })
})
