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

const proof = () => platform.api('proof') as ProofApi
const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

it('erasure.on-request goes red when a request is not answered in time', () =>
  proveBySabotage(proof(), 'erasure.on-request', {
    sabotage: () =>
      inControl(`INSERT INTO lifecycle.request (id, tenant_id, slug, received_at, due_on, channel)
        VALUES (gen_random_uuid(), gen_random_uuid(), 'forgotten', '2026-01-01', '2026-02-01', 'test')`),
    repair: () => inControl(`DELETE FROM lifecycle.request WHERE slug = 'forgotten'`),
    seen: /last day is over/,
  }))

it('erasure.on-request goes red when requests count as confirmed from the beginning', () =>
  proveBySabotage(proof(), 'erasure.on-request', {
    sabotage: () =>
      inControl(`
        CREATE FUNCTION public.trust() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN NEW.identity_checked := ''anybody''; NEW.identity_checked_at := now(); RETURN NEW; END';
        CREATE TRIGGER trust BEFORE INSERT ON lifecycle.request FOR EACH ROW EXECUTE FUNCTION public.trust()`),
    repair: () => inControl('DROP FUNCTION public.trust() CASCADE'),
    seen: /before it is known who asks/,
  }))
