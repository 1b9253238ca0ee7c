import { argon2Sync } from 'node:crypto'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { CanaryPair } from '../../tenancy/index.ts'
import type { People } from '../people.ts'
import { prefixOf } from '../phc.ts'
import { outcomeOf, storedPassword, type Visitor, withVisitor, withVisitors } from '../probing.ts'
import type { IdentitySettings } from '../settings.ts'

/** CAST-17 by default; PREZ-10 and LARA-31 with `passwordMethod: 'bcrypt'`; FSTV-11 with either. */
export function passwordHash(
  settings: IdentitySettings,
  people: People,
  canaries: () => Promise<CanaryPair[]>,
): Measure {
  const method = describe(settings)
  return measure({
    key: 'auth.password.hash',
    sources: ['CAST-17', 'FSTV-11', 'PREZ-10', 'LARA-31'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.5.17', 'A.8.5'] },
    settings: { method },
    claim: {
      de: () => `Passwörter werden nur als Hash gespeichert: ${method}, jeder mit eigenem Salt.`,
      en: () => `Passwords are stored as hashes only: ${method}, each with a salt of its own.`,
    },
    async prove({ check, positiveControl }) {
      const expected = beginsWith(settings)
      positiveControl(
        'a stored MD5 is recognised as wrong',
        false,
        '$1$5f4dcc3b5aa765d6'.startsWith(expected),
      )
      await withVisitors(people, await canaries(), async (visitor, model) => {
        const stored = await storedPassword(people, visitor)
        check(`${model}: a new password is stored by this method`, expected, stored.slice(0, expected.length))
        if (settings.passwordMethod === 'argon2id')
          check(`${model}: the hash, computed again by its own words`, true, computedAgain(stored, visitor))
        check(`${model}: the password stands in the row itself`, false, stored.includes(visitor.password))
        await withVisitor(
          people,
          visitor.realm,
          async (twin) =>
            check(
              `${model}: two people with one password`,
              'two hashes',
              (await storedPassword(people, twin)) === stored ? 'one hash' : 'two hashes',
            ),
          { password: visitor.password },
        )
        positiveControl(
          `${model}: the right password`,
          'taken',
          await signIn(people, visitor, visitor.password),
        )
        for (const [what, wrong] of wrongOnes(visitor.password, stored))
          check(`${model}: ${what}`, 'sign-in-refused', await signIn(people, visitor, wrong))
      })
    },
  })
}

function signIn(people: People, { realm, email }: Visitor, password: string): Promise<string> {
  return outcomeOf(people.signIn(realm, email, password))
}

function wrongOnes(password: string, stored: string): [string, string][] {
  return [
    ['another password', `${password}x`],
    ['the password in other case', password.toUpperCase()],
    ['no password', ''],
    ['the stored hash as the password', stored],
  ]
}

/** The same by another way through the same library: what the string says of itself is what was computed. */
function computedAgain(stored: string, { password }: Visitor): boolean {
  const [, , , cost, nonce, tag] = stored.split('$')
  const [memory, passes, parallelism] = (cost?.match(/\d+/g) ?? []).map(Number) as [number, number, number]
  if (!nonce || !tag || !parallelism) return false
  const bytes = Buffer.from(tag, 'base64')
  const options = { message: password, nonce: Buffer.from(nonce, 'base64'), tagLength: bytes.length }
  return argon2Sync('argon2id', { ...options, memory, passes, parallelism }).equals(bytes)
}

function beginsWith(settings: IdentitySettings): string {
  if (settings.passwordMethod === 'bcrypt') return `$2b$${String(settings.bcryptCost).padStart(2, '0')}$`
  const { argon2Memory: memory, argon2Passes: passes, argon2Parallelism: parallelism } = settings
  return `${prefixOf({ memory, passes, parallelism })}$`
}

function describe(settings: IdentitySettings): string {
  if (settings.passwordMethod === 'bcrypt') return `bcrypt (cost ${settings.bcryptCost})`
  const { argon2Memory, argon2Passes, argon2Parallelism } = settings
  return `Argon2id (m=${argon2Memory} KiB, t=${argon2Passes}, p=${argon2Parallelism})`
}
