import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { lifecycle } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([lifecycle])
})
after(() => platform?.stop())

const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

it('retention.active goes red when accounts are suspended that nobody suspended', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'retention.active', {
    sabotage: () =>
      inControl(`
        CREATE FUNCTION public.suspend() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN NEW.state := ''suspended''; NEW.suspended_at := now(); RETURN NEW; END';
        CREATE TRIGGER suspend BEFORE INSERT ON tenancy.tenant FOR EACH ROW EXECUTE FUNCTION public.suspend()`),
    repair: () => inControl('DROP FUNCTION public.suspend() CASCADE'),
    seen: /a sweep ten years ahead erases/,
  }))
