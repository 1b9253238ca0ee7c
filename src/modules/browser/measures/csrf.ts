import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeAnswer, EdgeApi } from '../../edge/index.ts'
import { type IdentityApi, tenantRealm } from '../../identity/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import { CSRF_COOKIE, CSRF_HEADER } from '../csrf.ts'

interface Parts {
  edge: EdgeApi
  tenancy: TenancyApi
  people: IdentityApi['people']
}

/** The cookies of somebody who is signed in, as a browser holds them. */
type Jar = Map<string, string>

/** CAST-44, with plain requests; a real second origin is tried in a browser with every build. */
export function csrf({ edge, tenancy, people }: Parts): Measure {
  return measure({
    key: 'csrf',
    sources: ['CAST-44'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.26'] },
    claim: {
      de: () =>
        'Sitzungs-Cookies sind SameSite=Strict; was etwas ändert, braucht zusätzlich ein CSRF-Token, das zur Sitzung gehört.',
      en: () =>
        'Session cookies are SameSite=Strict; whatever changes something also needs a CSRF token that belongs to the session.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a } of await tenancy.canaries.open()) {
        await withMember(people, a, async (credentials) => {
          const [own, other] = [await signIn(edge, a, credentials), await signIn(edge, a, credentials)]
          check(`${model}: cookies without Secure, SameSite=Strict and __Host-`, [], own.weak)
          check(`${model}: cookies set`, 3, own.jar.size)
          const token = own.jar.get(CSRF_COOKIE) ?? ''
          const foreign = other.jar.get(CSRF_COOKIE) ?? ''
          const change = (headers: Record<string, string>, cookies = own.jar) =>
            attempt(edge, a, cookies, headers)
          for (const [what, headers, cookies] of [
            ['without a token', {}, own.jar],
            ['with the token of another session', { [CSRF_HEADER]: foreign }, own.jar],
            [
              'with the token of another session, in the cookie too',
              { [CSRF_HEADER]: foreign },
              new Map([...own.jar, [CSRF_COOKIE, foreign]]),
            ],
            [
              'with a made-up pair',
              { [CSRF_HEADER]: 'x'.repeat(43) },
              new Map([...own.jar, [CSRF_COOKIE, 'x'.repeat(43)]]),
            ],
            ['from another site', { [CSRF_HEADER]: token, 'sec-fetch-site': 'cross-site' }, own.jar],
            ['from a neighbouring host', { [CSRF_HEADER]: token, 'sec-fetch-site': 'same-site' }, own.jar],
            ['from another origin', { [CSRF_HEADER]: token, origin: 'https://evil.invalid' }, own.jar],
            ['from no origin', { [CSRF_HEADER]: token, origin: 'null' }, own.jar],
          ] as [string, Record<string, string>, Jar][])
            check(`${model}: a change ${what}`, 403, await change(headers, cookies))
          const login = await edge.request(signInRequest(a, credentials))
          check(`${model}: signing in from another site`, 403, await signInAcross(edge, a, credentials))
          positiveControl(`${model}: signing in otherwise`, 200, login.status)
          positiveControl(
            `${model}: the same change with its token`,
            204,
            await change({ [CSRF_HEADER]: token }),
          )
        })
      }
    },
  })
}

interface Credentials {
  email: string
  password: string
}

async function withMember(
  people: Parts['people'],
  tenant: Tenant,
  work: (credentials: Credentials) => Promise<void>,
): Promise<void> {
  const credentials = { email: `csrf-${newId()}@canary.invalid`, password: `visit ${newId()}` }
  const realm = tenantRealm(tenant)
  const id = await people.add(realm, { ...credentials, name: 'Visitor', role: 'reader' })
  try {
    await work(credentials)
  } finally {
    await people.remove(realm, id)
  }
}

const signInRequest = (tenant: Tenant, credentials: Credentials, headers: Record<string, string> = {}) => ({
  host: tenant.hosts[0] as string,
  method: 'POST',
  path: '/api/v1/auth/sign-in',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(credentials),
})

async function signInAcross(edge: EdgeApi, tenant: Tenant, credentials: Credentials): Promise<number> {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.invalid' }
  return (await edge.request(signInRequest(tenant, credentials, headers))).status
}

/** Signs in and loads one page, as a browser does; also the cookies that lack a protection. */
async function signIn(edge: EdgeApi, tenant: Tenant, credentials: Credentials) {
  const jar: Jar = new Map()
  const weak: string[] = []
  const keep = ({ headers }: EdgeAnswer) => {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
      if (!/; Secure/i.test(line) || !/; SameSite=Strict/i.test(line) || !name.startsWith('__Host-'))
        weak.push(name)
    }
  }
  keep(await edge.request(signInRequest(tenant, credentials)))
  const host = tenant.hosts[0] as string
  keep(await edge.request({ host, path: '/api/v1/auth/me', headers: { cookie: written(jar) } }))
  return { jar, weak }
}

/** Tries to sign that person out: a change that anybody may make who holds the session. */
async function attempt(
  edge: EdgeApi,
  tenant: Tenant,
  jar: Jar,
  headers: Record<string, string>,
): Promise<number> {
  const host = tenant.hosts[0] as string
  const path = '/api/v1/auth/sign-out'
  const answer = await edge.request({
    host,
    path,
    method: 'POST',
    headers: { cookie: written(jar), ...headers },
  })
  return answer.status
}

const written = (jar: Jar): string => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
