import bcrypt from 'bcrypt'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { CanaryPair } from '../../tenancy/index.ts'
import type { People } from '../people.ts'
import { outcomeOf, storedPassword, storePassword, withVisitors } from '../probing.ts'
import type { IdentitySettings } from '../settings.ts'

/** CAST-18. */
export function passwordRehash(
  settings: IdentitySettings,
  people: People,
  canaries: () => Promise<CanaryPair[]>,
): Measure {
  const { legacyBcryptCost: cost, passwordMethod: method } = settings
  return measure({
    key: 'auth.password.rehash',
    sources: ['CAST-18'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.5.17', 'A.8.5'] },
    settings: { cost, method },
    claim: {
      de: () => `Ältere bcrypt-Hashes werden bei der nächsten Anmeldung durch ${method} ersetzt.`,
      en: () => `Older bcrypt hashes are replaced by ${method} at the next sign-in.`,
    },
    async prove({ check, positiveControl, notApplicable }) {
      if (!cost) return notApplicable('No hashes were brought from another system.')
      await withVisitors(people, await canaries(), async (visitor, model) => {
        const { realm, email, password } = visitor
        const own = (await storedPassword(people, visitor)).slice(0, 7)
        const old = await bcrypt.hash(password, cost)
        await storePassword(visitor, old)
        positiveControl(`${model}: an old hash is planted`, old, await storedPassword(people, visitor))
        const refused = await outcomeOf(people.signIn(realm, email, `${password}x`))
        check(`${model}: a wrong password`, 'sign-in-refused', refused)
        check(
          `${model}: the hash after a wrong password`,
          'as before',
          same(old, await storedPassword(people, visitor)),
        )
        check(`${model}: the right password`, 'taken', await outcomeOf(people.signIn(realm, email, password)))
        const now = await storedPassword(people, visitor)
        check(`${model}: the hash after the right password begins`, own, now.slice(0, 7))
        check(
          `${model}: the right password again`,
          'taken',
          await outcomeOf(people.signIn(realm, email, password)),
        )
        check(`${model}: the hash after that`, 'as before', same(now, await storedPassword(people, visitor)))
      })
    },
  })
}

function same(before: string, after: string): string {
  return before === after ? 'as before' : 'another'
}
