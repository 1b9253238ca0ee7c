import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import { type CanaryPair, markerOf, type TenancyApi, type Tenant } from '../../tenancy/index.ts'
import { fillPath, type Operation, readOperations, sample } from '../document.ts'

/** FEST-18. Every documented route of one canary's host, asked for what belongs to another. */
export function tenancyRequestIsolation(edge: EdgeApi, tenancy: TenancyApi): Measure {
  return measure({
    key: 'tenancy.request.isolation',
    sources: ['FEST-18'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.26'] },
    timeout: 300_000,
    claim: {
      de: () => 'Eine Anfrage an einen Mandanten liefert nie Daten eines anderen und verändert sie nie.',
      en: () => 'A request to one tenant never returns or touches the data of another.',
    },
    async prove({ check, positiveControl, signal }) {
      const pairs = await tenancy.canaries.open()
      const tables = await tenancy.tables()
      for (const attacker of pairs) {
        for (const victim of pairs) {
          const what = `${attacker.model} against ${victim.model}`
          const own = await sweep(edge, victim.b, victim, signal)
          positiveControl(
            `${what}: the same requests to the owner's host show the owner's content`,
            true,
            own.leaks.length > 0,
          )
          const before = await fingerprint(victim.b, tables)
          const seen = await sweep(edge, attacker.a, victim, signal)
          check(
            `${what}: ${seen.requests} requests to ${seen.routes} routes, answers with foreign content`,
            [],
            seen.leaks,
          )
          check(`${what}: requests by a foreign id that were carried out`, [], seen.taken)
          check(`${what}: the other tenant's rows are untouched`, before, await fingerprint(victim.b, tables))
        }
      }
    },
  })
}

async function sweep(edge: EdgeApi, target: Tenant, { b, idsOfB }: CanaryPair, signal: AbortSignal) {
  const host = target.hosts[0] as string
  const operations = await readOperations(edge, host)
  const found = { routes: operations.length, requests: 0, leaks: [] as string[], taken: [] as string[] }
  for (const operation of operations) {
    for (const id of idsOfB) {
      signal.throwIfAborted()
      const request = requestFor(operation, id)
      if (!request) continue
      const { status, body } = await edge.request({ host, kept: true, ...request })
      found.requests += 1
      const name = `${operation.method} ${operation.path} (${status})`
      if ([markerOf(b), b.slug].some((marker) => body.includes(marker))) found.leaks.push(name)
      if (status < 300 && operation.path.includes('{')) found.taken.push(name)
    }
  }
  return found
}

/** The operation with the foreign `id` wherever it takes one. Writes are sent only where they can hit something foreign. */
function requestFor({ method, path, parameters, body }: Operation, id: string) {
  const targeted = path.includes('{') || JSON.stringify(body ?? {}).includes('uuid')
  if (method !== 'GET' && !targeted) return undefined
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && parameter.schema?.type === 'string')
    .map(({ name }) => `${name}=${encodeURIComponent(id)}`)
  const filled = fillPath(path, () => encodeURIComponent(id))
  return {
    method,
    path: query.length > 0 ? `${filled}?${query.join('&')}` : filled,
    ...(body
      ? { body: JSON.stringify(sample(body, id)), headers: { 'content-type': 'application/json' } }
      : {}),
  }
}

/** Changes when any row of the tenant does. */
async function fingerprint(tenant: Tenant, tables: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  await tenant.transaction(async (db) => {
    for (const table of tables) {
      const { rows } = await db.execute(sql.raw(`SELECT t::text AS row FROM ${table} t ORDER BY 1`))
      hash.update(JSON.stringify([table, rows]))
    }
  })
  return hash.digest('hex').slice(0, 16)
}
