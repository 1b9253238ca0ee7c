import { after, before, it } from 'node:test'
import { breakCipher } from '../../../../test/support/breakCipher.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { vault } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, vault])
})
after(() => platform?.stop())

it('vault.envelope goes red when changed texts are decrypted', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'vault.envelope', {
    ...breakCipher('final'),
    seen: /one bit flipped/,
  }))

it('vault.envelope goes red when the application may enter the keys database', () => {
  const run = (statement: string) => platform.asSuperuser('postgres', (client) => client.query(statement))
  return proveBySabotage(platform.api('proof') as ProofApi, 'vault.envelope', {
    sabotage: () => run('GRANT CONNECT ON DATABASE surety_keys TO surety_app'),
    repair: () => run('REVOKE CONNECT ON DATABASE surety_keys FROM surety_app'),
    seen: /may enter the keys database/,
  })
})
