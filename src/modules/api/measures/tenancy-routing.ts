import { z } from 'zod'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi, EdgeRequest } from '../../edge/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'

const PATH = '/api/v1/tenant'

/** FEST-17. */
export function tenancyRouting(edge: EdgeApi, tenancy: TenancyApi): Measure {
  return measure({
    key: 'tenancy.routing',
    sources: ['FEST-17'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.22', 'A.8.26'] },
    claim: {
      de: () =>
        'Welcher Mandant antwortet, bestimmt allein der vollständige Hostname; ein unbekannter oder widersprüchlicher wird abgewiesen.',
      en: () =>
        'The full host name alone decides which tenant answers; an unknown or contradictory one is refused.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await tenancy.canaries.find()) {
        const ask = (request: Partial<EdgeRequest>) =>
          whoAnswers(edge, { host: host(a), path: PATH, ...request })
        positiveControl(
          `${model}: asked by its own host, the other tenant answers`,
          b.slug,
          await ask({ host: host(b) }),
        )
        for (const [what, expected, request] of attempts(a, b, tenancy.baseDomain, edge.portInLinks))
          check(`${model}: ${what}`, expected, await ask(request))
      }
    },
  })
}

const host = ({ hosts }: Tenant): string => hosts[0] as string

/** What is sent on a connection that the handshake opened for A, and who must answer: A, or nobody. */
function attempts(
  a: Tenant,
  b: Tenant,
  baseDomain: string,
  port: string,
): [string, string, Partial<EdgeRequest>][] {
  const [hostA, hostB] = [host(a), host(b)]
  const raw = (...rawHeaders: string[]) => ({ rawHeaders, serverName: hostA })
  const none = (name: string) => ({ host: name, serverName: name })
  return [
    ['its own host', a.slug, {}],
    ['its own host in upper case', a.slug, raw('Host', hostA.toUpperCase())],
    ['its own host with a trailing dot', a.slug, raw('Host', `${hostA}.`)],
    ['its own host with a port', a.slug, raw('Host', `${hostA}${port || ':443'}`)],
    ['X-Forwarded-Host names the other', a.slug, { headers: { 'x-forwarded-host': hostB } }],
    ['Forwarded names the other', a.slug, { headers: { forwarded: `host=${hostB}` } }],
    ['X-Original-Host names the other', a.slug, { headers: { 'x-original-host': hostB } }],
    ['Host names the other, the handshake did not', '421', raw('Host', hostB)],
    ['two hosts, own first', '400', raw('Host', hostA, 'Host', hostB)],
    ['two hosts, own last', '400', raw('Host', hostB, 'Host', hostA)],
    ['the request line names the other', '400', { path: `https://${hostB}${PATH}` }],
    ['both in one header', '421', raw('Host', `${hostA},${hostB}`)],
    ['the other as user name', '400', raw('Host', `${hostB}@${hostA}`)],
    ['no host', '400', raw('Host', '')],
    ['an unknown label', '404', none(`no-such-tenant.${baseDomain}`)],
    ['an unknown label in punycode', '404', none(`xn--mnchen-3ya.${baseDomain}`)],
    ['its label under a foreign domain', '421', none(`${a.slug}.evil.invalid`)],
    ['its host as a prefix of a foreign domain', '421', none(`${hostA}.evil.invalid`)],
    ['a label before its host', '421', none(`x.${hostA}`)],
    ['the base domain alone', '421', none(baseDomain)],
  ]
}

/** The slug of the tenant that answers, or the status that refuses. */
async function whoAnswers(edge: EdgeApi, request: EdgeRequest): Promise<string> {
  const { status, body } = await edge.request({ ...request, insecure: true })
  return status === 200 ? z.object({ slug: z.string() }).parse(JSON.parse(body)).slug : String(status)
}
