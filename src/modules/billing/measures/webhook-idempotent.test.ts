import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { billing } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, billing])
})
after(() => platform?.stop())

const asOwner = (sql: string) => platform.asSuperuser('surety_control', (client) => client.query(sql))

for (const { name, sabotage, repair, seen } of [
  {
    name: 'the same content is kept again and again',
    sabotage: `CREATE FUNCTION billing.again() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN NEW.payload_hash := sha256(uuid_send(gen_random_uuid())); RETURN NEW; END$$;
      CREATE TRIGGER again BEFORE INSERT ON billing.event FOR EACH ROW EXECUTE FUNCTION billing.again()`,
    repair: 'DROP FUNCTION billing.again CASCADE',
    seen: /contents kept/,
  },
  {
    name: 'what was booked is forgotten',
    sabotage: `CREATE FUNCTION billing.forget() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN NEW.paid := 0; RETURN NEW; END$$;
      CREATE TRIGGER forget BEFORE UPDATE ON billing.resource FOR EACH ROW EXECUTE FUNCTION billing.forget()`,
    repair: 'DROP FUNCTION billing.forget CASCADE',
    seen: /one by one/,
  },
]) {
  it(`webhook.idempotent goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'webhook.idempotent', {
      sabotage: () => asOwner(sabotage),
      repair: () => asOwner(repair),
      seen,
    }))
}
