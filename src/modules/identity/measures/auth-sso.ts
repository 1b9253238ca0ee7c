import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { CLIENT, type Fault, openHostileIssuer } from '../hostileIssuer.ts'
import type { MeasureParts } from '../measures.ts'
import { outcomeOf } from '../probing.ts'

const REALM = 'tenant:probe'
const BACK = 'https://probe.invalid/return'

const FAULTS: [string, Fault][] = [
  ['an ID token for another audience', { aud: 'another-client' }],
  ['an ID token of another issuer', { iss: 'https://attacker.invalid' }],
  ['an ID token with another nonce', { nonce: 'another' }],
  ['an expired ID token', { exp: -3_600 }],
  ['an ID token signed by a key that is not published', { foreignKey: true }],
  ['an ID token that is not signed', { unsigned: true }],
]

/** CAST-33. The rules against an issuer of the probe's own that does wrong; the real ones are asked to describe themselves. */
export function authSso({ settings, sso }: MeasureParts): Measure {
  const providers = settings.sso.map(({ name }) => name)
  return measure({
    key: 'auth.sso',
    sources: ['CAST-33'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.16', 'A.8.5'] },
    settings: { providers },
    claim: {
      de: (given) =>
        `Anmeldung über ${given.providers.join(', ')} (OpenID Connect mit PKCE, state und nonce).`,
      en: (given) =>
        `Sign-in with ${given.providers.join(', ')} (OpenID Connect with PKCE, state and nonce).`,
    },
    async prove({ check, positiveControl, notApplicable, clock }) {
      if (providers.length === 0) return notApplicable('No provider is named.')
      const issuer = await openHostileIssuer(() => Math.floor(clock.now().getTime() / 1000))
      try {
        const here = sso.among([{ name: 'probe', issuer: issuer.url, clientId: CLIENT }])
        const begin = (again = false) => here.begin(REALM, 'probe', BACK, { again, session: null, next: '/' })
        const attempt = async (
          fault: Fault,
          change: (back: URL) => void = () => undefined,
          again = false,
        ) => {
          const { url, transaction } = await begin(again)
          const back = issuer.authorize(url, fault)
          change(back)
          return outcomeOf(here.finish(REALM, 'probe', back, transaction))
        }
        positiveControl('a sound answer', 'taken', await attempt({}))
        for (const [what, fault] of FAULTS) check(what, 'sso-refused', await attempt(fault))
        const old = -Math.floor(settings.sessionLife / 1000) - 60
        check(
          'a sign-in there that is older than a session lives',
          'sso-refused',
          await attempt({ authTime: old }),
        )
        const again = (authTime: number | null) => attempt({ authTime }, undefined, true)
        positiveControl('asked again, and signed in again', 'taken', await again(0))
        check('asked again, and signed in ten minutes ago', 'sso-refused', await again(-600))
        check('asked again, and not said when', 'sso-refused', await again(null))
        const set = (name: string, value: string) => (back: URL) => back.searchParams.set(name, value)
        check('another state', 'sso-refused', await attempt({}, set('state', newId())))
        check('no state', 'sso-refused', await attempt({}, (back) => back.searchParams.delete('state')))
        check(
          'a mix-up: the answer of another issuer',
          'sso-refused',
          await attempt({}, set('iss', 'https://attacker.invalid')),
        )
        check('an error instead of a code', 'sso-refused', await attempt({}, set('error', 'access_denied')))
        const [mine, theirs] = [await begin(), await begin()]
        const stolen = issuer.authorize(theirs.url, {})
        stolen.searchParams.set('state', new URL(mine.url).searchParams.get('state') ?? '')
        check(
          "another browser's code (PKCE)",
          'sso-refused',
          await outcomeOf(here.finish(REALM, 'probe', stolen, mine.transaction)),
        )
        const once = await begin()
        const back = issuer.authorize(once.url, {})
        await here.finish(REALM, 'probe', back, once.transaction)
        check(
          'a code a second time',
          'sso-refused',
          await outcomeOf(here.finish(REALM, 'probe', back, once.transaction)),
        )
        const other = issuer.authorize(mine.url, {})
        check(
          'what was begun at another tenant',
          'sso-refused',
          await outcomeOf(here.finish('tenant:other', 'probe', other, mine.transaction)),
        )
        check('nothing begun', 'sso-refused', await outcomeOf(here.finish(REALM, 'probe', other, '')))
      } finally {
        await issuer.close()
      }
      const seconds = () => Math.floor(clock.now().getTime() / 1000)
      const impostor = await openHostileIssuer(seconds, 'https://accounts.example.org')
      try {
        const there = sso.among([{ name: 'probe', issuer: impostor.url, clientId: CLIENT }])
        check(
          'a provider that describes itself as another one',
          'sso-unavailable',
          await outcomeOf(there.begin(REALM, 'probe', BACK)),
        )
      } finally {
        await impostor.close()
      }
      for (const name of providers) {
        const url = await sso.begin(REALM, name, BACK).then(
          (begun) => new URL(begun.url).searchParams,
          () => undefined,
        )
        check(
          `${name}: describes itself and is asked with PKCE`,
          'S256',
          url?.get('code_challenge_method') ?? 'unreachable',
        )
      }
    },
  })
}
