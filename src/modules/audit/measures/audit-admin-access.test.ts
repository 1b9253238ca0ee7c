import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { audit } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, audit])
  await platform.serve()
})
after(() => platform?.stop())

const run = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

it('audit.admin.access goes red when reading leaves no entry', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'audit.admin.access', {
    sabotage: () =>
      run(`CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN IF NEW.target LIKE 'GET %' THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER swallow BEFORE INSERT ON audit.entry FOR EACH ROW EXECUTE FUNCTION public.swallow()`),
    repair: () => run('DROP FUNCTION public.swallow() CASCADE'),
    seen: /entries of that/,
  }))

it('audit.admin.access goes red when the entry of a sign-in does not say who', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'audit.admin.access', {
    ...rewriteRows(
      platform,
      databases.control,
      'audit.entry',
      'INSERT',
      `NEW.after := NEW.after - 'person_id';`,
    ),
    seen: /entries of the sign-in that name the operator/,
  }))
