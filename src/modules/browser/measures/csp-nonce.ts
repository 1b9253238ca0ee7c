import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { TenancyApi } from '../../tenancy/index.ts'

/** CAST-45, as the answers say it; that browsers obey is tried in one with every build. */
export function cspNonce(edge: EdgeApi, tenancy: TenancyApi): Measure {
  return measure({
    key: 'csp.nonce',
    sources: ['CAST-45'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.26'] },
    claim: {
      de: () =>
        'Jede Antwort an Mandanten und im Back-Office trägt eine Content-Security-Policy mit einer Nonce je Anfrage und strict-dynamic; eingeschleuste Skripte laufen nicht.',
      en: () =>
        'Every answer to tenants and in the back-office carries a Content-Security-Policy with a nonce per request and strict-dynamic; injected scripts do not run.',
    },
    async prove({ check, positiveControl }) {
      positiveControl(
        'what is seen of a policy that lets anything run',
        ['no nonce', "'unsafe-inline'", 'no strict-dynamic', 'base-uri', 'no Trusted Types'],
        weaknesses("default-src 'self'; script-src 'self' 'unsafe-inline' https:"),
      )
      const hosts = [edge.adminHost, ...(await tenancy.canaries.open()).map(({ a }) => a.hosts[0] as string)]
      for (const host of hosts) {
        const ask = async () => {
          const { headers } = await edge.request({ host, path: '/api/v1/openapi.json' })
          return String(headers['content-security-policy'] ?? '')
        }
        const [first, second] = [await ask(), await ask()]
        check(`${host}: weaknesses of its policy`, [], weaknesses(first))
        check(`${host}: the nonces of two answers are the same`, false, nonceOf(first) === nonceOf(second))
        check(`${host}: characters of a nonce (128 bits)`, 24, nonceOf(first)?.length)
      }
    },
  })
}

const nonceOf = (policy: string): string | undefined => /'nonce-([^']+)'/.exec(policy)?.[1]

/** What a policy leaves open to an injected script (CSP3). */
function weaknesses(policy: string): string[] {
  const directives = new Map(
    policy.split(';').map((part) => {
      const [name = '', ...values] = part.trim().split(/\s+/)
      return [name, values] as const
    }),
  )
  const script = directives.get('script-src') ?? directives.get('default-src') ?? []
  return [
    ...(nonceOf(script.join(' ')) ? [] : ['no nonce']),
    ...script.filter((value) => ["'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", '*'].includes(value)),
    ...(script.includes("'strict-dynamic'") ? [] : ['no strict-dynamic']),
    ...(directives.get('base-uri')?.[0] === "'none'" ? [] : ['base-uri']),
    ...(directives.has('require-trusted-types-for') ? [] : ['no Trusted Types']),
  ]
}
