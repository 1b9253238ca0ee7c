import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { lifecycle } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([lifecycle])
  await platform.serve()
})
after(() => platform?.stop())

const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

const BACKDATE = `
  CREATE FUNCTION public.backdate() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.suspended_at := NEW.suspended_at - interval ''1 day''; RETURN NEW; END';
  CREATE TRIGGER backdate BEFORE UPDATE OF suspended_at ON tenancy.tenant FOR EACH ROW EXECUTE FUNCTION public.backdate()`

it('suspension.grace goes red when a period does not end with its suspension', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'suspension.grace', {
    sabotage: () =>
      inControl(`
        CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN IF OLD.settled AND NEW.state = ''active'' THEN NEW.state := ''suspended''; NEW.suspended_at := OLD.suspended_at; END IF; RETURN NEW; END';
        CREATE TRIGGER keep BEFORE UPDATE ON tenancy.tenant FOR EACH ROW WHEN (OLD.state = 'suspended') EXECUTE FUNCTION public.keep()`),
    repair: () => inControl('DROP FUNCTION public.keep() CASCADE'),
    seen: /due at the same end after a reactivation/,
  }))

it('suspension.grace goes red when the period begins a day before the suspension', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'suspension.grace', {
    sabotage: () => inControl(BACKDATE),
    repair: () => inControl('DROP FUNCTION public.backdate() CASCADE'),
    seen: /another time than now/,
  }))
