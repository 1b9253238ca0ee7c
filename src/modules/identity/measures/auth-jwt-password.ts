import { decodeProtectedHeader } from 'jose'
import { type Measure, measure } from '../../../proof/measure.ts'
import { fillPath, type Operation, readOperations } from '../../api/index.ts'
import type { EdgeApi } from '../../edge/index.ts'
import { es256, forgedTokens } from '../forgeries.ts'
import type { MeasureParts } from '../measures.ts'
import { withVisitor } from '../probing.ts'
import { tenantRealm } from '../realm.ts'

/** One of each kind; auth.jwt.es256 tries them all. */
const FORGERIES = ['alg none, no signature', "a forger's key under the real name", 'expired']

/** PREZ-18. Through the front door, on every route that is not public by declaration. */
export function jwtPassword({ people, sessions, keys, edge, canaries }: MeasureParts): Measure {
  return measure({
    key: 'auth.jwt.password',
    sources: ['PREZ-18'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.15', 'A.8.5'] },
    timeout: 180_000,
    claim: {
      de: () => 'Zugang besteht nur mit einem Token (JWT), das nach der Anmeldung ausgestellt wurde.',
      en: () => 'Access needs a token (JWT) that was issued after signing in.',
    },
    async prove({ check, positiveControl, signal }) {
      const [pair] = await canaries()
      if (!pair) throw new Error('There is no canary.')
      const realm = tenantRealm(pair.a)
      const host = pair.a.hosts[0] as string
      await withVisitor(people, realm, async ({ id, email, password }) => {
        const person = await people.signIn(realm, email, password)
        const { access } = await sessions.begin(realm, person, { device: 'probe', factors: ['pwd'] })
        const me = { host, method: 'GET', path: '/api/v1/auth/me' }
        positiveControl('a token issued after signing in', 200, await statusOf(edge, me, access))
        const { publicJwk, publicKey, privateKey } = keys.signer()
        const header = decodeProtectedHeader(access) as Record<string, unknown>
        const forged = forgedTokens({ token: access, publicJwk, publicKey }, (claims) =>
          es256(header, claims, privateKey()),
        )
        const attempts = [
          ['no token', undefined] as const,
          ...forged.filter(([what]) => FORGERIES.includes(what)),
        ]
        check('kinds of attempt', FORGERIES.length + 1, attempts.length)
        for (const where of [host, edge.adminHost]) {
          const operations = (await readOperations(edge, where)).filter(({ guarded }) => guarded)
          check(`${where}: routes that need signing in`, true, operations.length > 0)
          const passed: string[] = []
          for (const operation of operations) {
            signal.throwIfAborted()
            for (const [what, token] of attempts) {
              const status = await statusOf(edge, operation, token, id)
              if (status !== 401) passed.push(`${operation.method} ${operation.path} with ${what}: ${status}`)
            }
          }
          check(
            `${where}: ${attempts.length} attempts on each of ${operations.length} routes, not refused`,
            [],
            passed,
          )
        }
      })
    },
  })
}

async function statusOf(
  edge: EdgeApi,
  { host, method, path }: Pick<Operation, 'host' | 'method' | 'path'>,
  token: string | undefined,
  id = '',
): Promise<number> {
  const headers = token ? { authorization: `Bearer ${token}` } : undefined
  return (await edge.request({ host, kept: true, method, path: fillPath(path, () => id), headers })).status
}
