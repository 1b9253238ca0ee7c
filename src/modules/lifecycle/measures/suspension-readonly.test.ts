import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { api } from '../../api/index.ts'
import { lifecycle } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([api, lifecycle])
  await platform.serve()
})
after(() => platform?.stop())

it('suspension.readonly goes red when the trigger before changes is switched off', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'suspension.readonly', {
    sabotage: () => inPool('ALTER TABLE tenancy.canary DISABLE TRIGGER suspension'),
    repair: () => inPool('ALTER TABLE tenancy.canary ENABLE ALWAYS TRIGGER suspension'),
    seen: /rows: a context that comes back after the check/,
  }))

it('suspension.readonly goes red when the trigger can be fooled by a context that comes back', async () => {
  const source = await inPool(`SELECT pg_get_functiondef('tenancy.refuse_when_suspended'::regproc) AS text`)
  const whole = source.rows[0].text as string
  await proveBySabotage(platform.api('proof') as ProofApi, 'suspension.readonly', {
    sabotage: () =>
      inPool(
        whole.replace(
          'IF suspended THEN',
          'IF suspended IS NULL THEN RETURN NULL; END IF; IF suspended THEN',
        ),
      ),
    repair: () => inPool(whole),
    seen: /rows: a context that comes back after the check/,
  })
})

function inPool(statement: string) {
  return platform.asSuperuser(databases.pool, (client) => client.query(statement))
}
