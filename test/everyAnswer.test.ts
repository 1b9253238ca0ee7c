import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { festival } from '../examples/festival/index.ts'
import { platformModules } from '../src/cli/platform.ts'
import { newId } from '../src/kernel/ids.ts'
import { fillPath, type Operation, readOperations } from '../src/modules/api/index.ts'
import type { EdgeAnswer, EdgeApi } from '../src/modules/edge/index.ts'
import { type IdentityApi, tenantRealm } from '../src/modules/identity/index.ts'
import type { Tenant } from '../src/modules/tenancy/index.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'
import { fingerprint, makeVictim, type Victim } from './support/victim.ts'

const YEAR = 31_536_000

/** What a browser is told with an answer, wrong in the sense of OWASP ASVS 5.0 V3.2 to V3.5. */
function faultsOf({ headers }: EdgeAnswer): string[] {
  const field = (name: string) => String(headers[name] ?? '')
  const policy = new Map(
    field('content-security-policy')
      .split(';')
      .map((part) => {
        const [name = '', ...values] = part.trim().split(/\s+/)
        return [name, values.join(' ')] as const
      }),
  )
  const hsts = /max-age=(\d+); includeSubDomains/.exec(field('strict-transport-security'))
  const rules: [string, boolean][] = [
    ['HSTS of a year for all names below (3.4.1)', Number(hsts?.[1]) >= YEAR],
    ["default-src 'none', which object-src falls back to (3.4.3)", policy.get('default-src') === "'none'"],
    ["base-uri 'none' (3.4.3)", policy.get('base-uri') === "'none'"],
    ['no inline script (3.4.3)', !/unsafe/.test(policy.get('script-src') ?? '')],
    ['nosniff (3.4.4)', field('x-content-type-options') === 'nosniff'],
    ['Referrer-Policy (3.4.5)', ['no-referrer', 'same-origin'].includes(field('referrer-policy'))],
    ["frame-ancestors 'none' (3.4.6)", policy.get('frame-ancestors') === "'none'"],
    ['Cross-Origin-Opener-Policy (3.4.8)', field('cross-origin-opener-policy') === 'same-origin'],
    ['Cross-Origin-Resource-Policy (3.5.8)', field('cross-origin-resource-policy') === 'same-origin'],
    ['a type of content (3.2.1)', headers['content-length'] === '0' || field('content-type') !== ''],
  ]
  return rules.filter(([, holds]) => !holds).map(([what]) => what)
}

/** Cookies of an answer that a browser would keep too loosely (ASVS V3.3). */
function looseCookies({ headers }: EdgeAnswer): string[] {
  return [headers['set-cookie'] ?? []].flat().filter((line) => {
    const [pair = ''] = line.split(';')
    const readable = pair.startsWith('__Host-surety-csrf=') // by scripts, that is its purpose
    const strict = /; SameSite=Strict/.test(line) || /^__Host-surety-(sso|link)=.*; SameSite=Lax/.test(line)
    const kept = /; Secure/.test(line) && strict && (readable || /; HttpOnly/.test(line))
    return !pair.startsWith('__Host-') || !kept || pair.length > 4096
  })
}

describe('every answer to a browser', () => {
  let platform: TestPlatform
  let tenant: Tenant
  let victim: Victim
  let hosts: string[]
  before(async () => {
    platform = await testPlatform([...platformModules, festival])
    await platform.serve()
    tenant = await platform.makeTenant('rows')
    victim = await makeVictim(platform.api('identity') as IdentityApi, tenant)
    hosts = [doors().trustHost, doors().adminHost, tenant.hosts[0] as string]
  })
  after(() => platform?.stop())
  const doors = () => platform.api('edge') as EdgeApi
  const send = (host: string, { method, path }: Pick<Operation, 'method' | 'path'>, headers = {}) =>
    doors().request({ host, kept: true, method, path: fillPath(path, () => newId()), headers })
  const bearer = () => ({ authorization: `Bearer ${victim.owner}` })

  /** Every documented route without sign-in and with it, and what is not there at all. */
  async function answers(host: string): Promise<[string, EdgeAnswer][]> {
    const found: [string, EdgeAnswer][] = []
    const operations = [
      { method: 'GET', path: '/' },
      { method: 'GET', path: '/none' },
      { method: 'POST', path: '/none' },
      ...(await readOperations(doors(), host)),
    ]
    for (const operation of operations) {
      const name = `${operation.method} ${host}${operation.path}`
      found.push([name, await send(host, operation)])
      if (operation.method === 'GET') found.push([name, await send(host, operation, bearer())])
    }
    return found
  }

  it('carries what keeps it from being sniffed, framed, or run', async (context) => {
    const faults: string[] = []
    let seen = 0
    for (const host of hosts)
      for (const [name, answer] of await answers(host)) {
        seen += 1
        for (const what of [...faultsOf(answer), ...looseCookies(answer)])
          faults.push(`${name} (${answer.status}): ${what}`)
      }
    context.diagnostic(`${seen} answers`)
    assert.deepEqual(faults, [])
  })

  it('sets cookies for this host alone, out of reach of scripts and other sites', async () => {
    const [host, password] = [tenant.hosts[0] as string, 'a long enough sentence']
    const email = `${newId()}@example.org`
    const { people } = platform.api('identity') as IdentityApi
    await people.add(tenantRealm(tenant), { email, name: 'P', role: 'reader', password })
    const signedIn = await doors().request({
      host,
      method: 'POST',
      path: '/api/v1/auth/sign-in',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    const set = [signedIn.headers['set-cookie'] ?? []].flat()
    const cookie = set.map((line) => line.split(';')[0]).join('; ')
    const me = await send(host, { method: 'GET', path: '/api/v1/auth/me' }, { cookie })
    const names = [...set, ...[me.headers['set-cookie'] ?? []].flat()].map((line) => line.split('=')[0])
    assert.deepEqual(names.toSorted(), [
      '__Host-surety-access',
      '__Host-surety-csrf',
      '__Host-surety-refresh',
    ])
    assert.deepEqual([...looseCookies(signedIn), ...looseCookies(me)], [])
    // What a script sees of it: no token in any body.
    for (const { body } of [signedIn, me]) assert.doesNotMatch(body, /eyJ|\.[\w-]{43}/)
  })

  it('of the trial sees what is missing', () => {
    const bare = { status: 200, headers: { 'set-cookie': ['session=1'] }, body: '', bytes: Buffer.alloc(0) }
    assert.equal(faultsOf(bare).length, 9)
    assert.deepEqual(looseCookies(bare), ['session=1'])
  })

  it('lets pages of other origins read nothing but what is published to all (3.4.2)', async () => {
    const open: string[] = []
    for (const host of hosts)
      for (const operation of await readOperations(doors(), host)) {
        const { headers } = await send(host, operation, { origin: 'https://evil.invalid', ...bearer() })
        if (headers['access-control-allow-credentials']) open.push(`${operation.path} with credentials`)
        if (headers['access-control-allow-origin'] && operation.guarded) open.push(operation.path)
        if (headers['access-control-allow-origin'] === 'https://evil.invalid') open.push(operation.path)
      }
    assert.deepEqual(open, [])
  })

  it('to a safe method changes nothing (3.5.3), and no name makes a script of it (3.5.6)', async () => {
    const host = tenant.hosts[0] as string
    const tables = await platform.tenancy.tables()
    const untouched = await fingerprint(tenant, tables)
    for (const operation of await readOperations(doors(), host)) {
      if (operation.method !== 'GET') continue
      for (const id of victim.ids) {
        const path = `${fillPath(operation.path, () => id)}?callback=alert`
        const { headers } = await send(host, { method: 'GET', path }, bearer())
        assert.doesNotMatch(String(headers['content-type']), /javascript/, operation.path)
      }
    }
    assert.equal(await fingerprint(tenant, tables), untouched)
  })
})
