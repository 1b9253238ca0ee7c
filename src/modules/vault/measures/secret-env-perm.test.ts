import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
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

it('secret.env.perm goes red when a secret is open to others', () => {
  const file = join(platform.stores.secrets, 'seal-key')
  return proveBySabotage(platform.api('proof') as ProofApi, 'secret.env.perm', {
    sabotage: async () => chmodSync(file, 0o644),
    repair: async () => chmodSync(file, 0o600),
    seen: /others may read/,
  })
})

it('secret.env.perm goes red when the application starts with an open secret', () => {
  const whole = [...platform.program.args]
  return proveBySabotage(platform.api('proof') as ProofApi, 'secret.env.perm', {
    sabotage: async () => platform.program.args.splice(0, Number.POSITIVE_INFINITY, '-e', '0'),
    repair: async () => platform.program.args.splice(0, Number.POSITIVE_INFINITY, ...whole),
    seen: /application is started/,
  })
})
