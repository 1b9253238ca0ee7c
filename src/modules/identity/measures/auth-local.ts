import { performance } from 'node:perf_hooks'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeAnswer, EdgeApi } from '../../edge/index.ts'
import type { MeasureParts } from '../measures.ts'
import { withVisitor } from '../probing.ts'
import { tenantRealm } from '../realm.ts'

/** Attempts of each kind when times are compared. */
const ATTEMPTS = 7

/** CAST-32, without the limit on failures, which is a measure of its own. */
export function authLocal({ people, edge, canaries }: MeasureParts): Measure {
  return measure({
    key: 'auth.local',
    sources: ['CAST-32'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.5'] },
    claim: {
      de: () =>
        'Anmeldung mit E-Mail-Adresse und Passwort; weder Antwort noch Dauer verraten, ob es ein Konto zu einer Adresse gibt.',
      en: () =>
        'Signing in by e-mail and password; neither the answer nor its time tells whether an address has an account.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a } of await canaries()) {
        const host = a.hosts[0] as string
        await withVisitor(people, tenantRealm(a), async ({ email, password }) => {
          const taken = await signIn(edge, host, email, password)
          positiveControl(`${model}: the right password`, 200, taken.status)
          const cookie = [taken.headers['set-cookie'] ?? []]
            .flat()
            .map((line) => line.split(';')[0])
            .join('; ')
          const me = await edge.request({ host, path: '/api/v1/auth/me', headers: { cookie } })
          check(`${model}: who is signed in then`, email, (JSON.parse(me.body) as { email: string }).email)
          const wrong = await signIn(edge, host, email, `${password}x`)
          const unknown = await signIn(edge, host, `nobody-${email}`, password)
          check(`${model}: a wrong password`, 401, wrong.status)
          check(`${model}: an unknown address, answered as a wrong password is`, wrong.body, unknown.body)
          const times = { wrong: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY }
          for (let n = 0; n < ATTEMPTS; n += 1) {
            times.wrong = Math.min(times.wrong, await timed(() => signIn(edge, host, email, `${password}x`)))
            times.unknown = Math.min(
              times.unknown,
              await timed(() => signIn(edge, host, `nobody-${email}`, password)),
            )
          }
          const ratio = times.unknown / times.wrong
          check(
            `${model}: fastest of ${ATTEMPTS} answers to either`,
            'alike',
            ratio > 0.6 && ratio < 1.7 ? 'alike' : times,
          )
        })
      }
    },
  })
}

function signIn(edge: EdgeApi, host: string, email: string, password: string): Promise<EdgeAnswer> {
  return edge.request({
    host,
    method: 'POST',
    path: '/api/v1/auth/sign-in',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}
