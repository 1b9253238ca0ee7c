import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { IdentityApi } from '../../identity/index.ts'
import { secrets } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, secrets])
})
after(() => platform?.stop())

it('secret.no-plaintext goes red when a password is kept in Redis', () => {
  const { people } = platform.api('identity') as IdentityApi
  const whole = people.add
  const { redis } = platform.stores
  return proveBySabotage(platform.api('proof') as ProofApi, 'secret.no-plaintext', {
    sabotage: async () => {
      people.add = async (realm, person) => {
        await redis.lpush('recently added', JSON.stringify(person))
        return whole(realm, person)
      }
    },
    repair: async () => {
      people.add = whole
      await redis.del('recently added')
    },
    seen: /found in Redis/,
  })
})

it('secret.no-plaintext goes red when an API token stands in a table, encoded', () => {
  const { apiTokens } = platform.api('identity') as IdentityApi
  const whole = apiTokens.issue
  const inControl = (text: string, values?: unknown[]) =>
    platform.asSuperuser('surety_control', (client) => client.query(text, values))
  return proveBySabotage(platform.api('proof') as ProofApi, 'secret.no-plaintext', {
    sabotage: async () => {
      await inControl(
        'CREATE TABLE public.debug (note bytea); GRANT SELECT ON public.debug TO surety_migrator',
      )
      apiTokens.issue = async (...about) => {
        const issued = await whole(...about)
        await inControl('INSERT INTO public.debug VALUES ($1)', [Buffer.from(`x${issued.token}`)])
        return issued
      }
    },
    repair: async () => {
      apiTokens.issue = whole
      await inControl('DROP TABLE public.debug')
    },
    seen: /the database surety_control/,
  })
})
