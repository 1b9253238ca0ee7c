import { sql } from 'drizzle-orm'
import type { Redis } from 'ioredis'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { networkOf } from '../address.ts'
import type { MeasureParts } from '../measures.ts'
import { keysLike, strangeAddress, sweep } from '../probing.ts'

const PLANTED = 'probe:planted'

/** CAST-08, as far as a process sees: its databases and Redis. What a proxy in front writes is not seen from here. */
export function ipNotStored({ stores, parts, edge, tenancy }: MeasureParts): Measure {
  const { control, redis } = stores
  return measure({
    key: 'ip.not-stored',
    sources: ['CAST-08'],
    family: 'data-access',
    maps: { gdpr: ['5(1)(c)', '25(1)'], iso27001: ['A.8.11'] },
    timeout: 300_000,
    claim: {
      de: () =>
        'Die IP-Adresse eines Besuchers wird in keiner Datenbank und nicht in Redis abgelegt, auch nicht nach abgewiesenen Anmeldungen.',
      en: () =>
        "A visitor's IP address is kept in no database and not in Redis, not even after refused sign-ins.",
    },
    async prove({ check, positiveControl }) {
      const pairs = await tenancy.canaries.open()
      const addresses = [strangeAddress(4), strangeAddress(6)]
      // The network of an IPv6 address tells nearly as much as the address.
      const needles = addresses.map((address) => address.split('::')[0] as string)
      const find = async () => [
        ...(await inRedis(redis, needles)),
        ...(await inDatabase((text) => control.query(text), needles)),
      ]
      try {
        for (const { a } of pairs) for (const from of addresses) await visit(edge, a, from)
        const places = await find()
        check('places in the control database and Redis that hold the address of a visitor', [], places)
        for (const { model, a } of pairs) {
          const rows = await inDatabase(askTenant(a), needles)
          check(`${model}: places in the tenant's store`, [], rows)
        }
        await redis.set(PLANTED, `visit from ${addresses[0]}`, 'EX', 60)
        positiveControl('the same search with an address planted in Redis', [PLANTED], await find())
        const typed = await control.query(ADDRESS_COLUMNS)
        check('columns made for addresses (inet, cidr)', [], typed)
      } finally {
        await redis.del(PLANTED)
        await sweep(
          redis,
          addresses.map((from) => parts.hasher.hash(networkOf(from))),
        )
      }
    },
  })
}

const ADDRESS_COLUMNS = `SELECT table_schema || '.' || table_name || '.' || column_name AS column
  FROM information_schema.columns
  WHERE data_type IN ('inet', 'cidr') AND table_schema NOT IN ('pg_catalog', 'information_schema')`

/** Asks SQL of one store. */
type Ask = (text: string) => Promise<Record<string, unknown>[]>

const askTenant =
  (tenant: Tenant): Ask =>
  async (text) =>
    (await tenant.transaction((db) => db.execute(sql.raw(text)))).rows

/** A visitor who looks around and fails to sign in, and whom a proxy announces by address. */
async function visit(edge: EdgeApi, tenant: Tenant, from: string): Promise<void> {
  const host = tenant.hosts[0] as string
  const headers = {
    'content-type': 'application/json',
    'x-forwarded-for': from,
    'x-real-ip': from,
    forwarded: `for="${from}"`,
  }
  await edge.request({ host, path: '/api/v1/auth/me', headers, from })
  const body = JSON.stringify({ email: 'visitor@canary.invalid', password: 'not the password' })
  await edge.request({ host, method: 'POST', path: '/api/v1/auth/sign-in', headers, body, from })
}

/** Keys that hold one of the addresses, in their name or their value. */
async function inRedis(redis: Redis, addresses: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const key of await keysLike(redis, '*')) {
    const dump = await redis.dumpBuffer(key)
    if (addresses.some((address) => key.includes(address) || dump?.includes(address))) found.push(key)
  }
  return found
}

/** Tables in which a row holds one of the addresses; all that the app role can read, which is all that it can write. */
async function inDatabase(ask: Ask, addresses: readonly string[]): Promise<string[]> {
  const tables = await ask(`SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
      AND has_schema_privilege(quote_ident(schemaname), 'USAGE')
      AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')`)
  const found: string[] = []
  for (const { name } of tables) {
    const like = addresses.map((address) => `'%${address}%'`).join(', ')
    const [row] = await ask(
      `SELECT EXISTS (SELECT FROM ${name} AS t WHERE t::text LIKE ANY (ARRAY[${like}])) AS held`,
    )
    if (row?.held) found.push(String(name))
  }
  return found
}
