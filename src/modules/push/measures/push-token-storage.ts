import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Stores } from '../../../data/index.ts'
import { databases } from '../../../data/roles.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import { findInDatabase, findInFiles, findInRedis, formsOf } from '../../secrets/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import type { Devices } from '../devices.ts'

interface Parts {
  stores: Stores
  devices: Devices
  edge: EdgeApi
  /** Folder of the log files. */
  logs: string
  canaries: TenancyApi['canaries']['find']
}

/** FEST-14. A device registers through the front door; then its token is looked for everywhere. */
export function pushTokenStorage({ stores, devices, edge, logs, canaries }: Parts): Measure {
  return measure({
    key: 'push.token.storage',
    sources: ['FEST-14'],
    family: 'separation',
    maps: { gdpr: ['25(1)', '32(1)(a)'], iso27001: ['A.8.24'] },
    timeout: 300_000,
    claim: {
      de: () =>
        'Push-Token von Geräten liegen nur im Datenbestand des eigenen Mandanten, und dort verschlüsselt.',
      en: () => "Devices' push tokens lie only in their own tenant's data, and there encrypted.",
    },
    async prove({ check, positiveControl, clock }) {
      for (const { model, a, b } of await canaries()) {
        const id = randomUUID()
        const token = randomBytes(32).toString('hex')
        const since = new Date(clock.now().getTime() - 1_000)
        try {
          const answer = await register(edge, a, id, token)
          positiveControl(`${model}: a device registers`, 204, answer)
          positiveControl(
            `${model}: its token opens for its tenant`,
            true,
            await opens(devices, a, id, token),
          )
          check(`${model}: its row as the other tenant sees it`, 0, await rows(b, id))
          check(`${model}: its token opens for the other tenant`, false, await opens(devices, b, id, token))
          const sought = [
            { name: 'token', forms: formsOf(Buffer.from(token)) },
            { name: 'id', forms: [id] },
          ]
          const own = model === 'rows' ? databases.pool : a.slug
          const both = [a.id, b.id]
          const inOwn = await findInDatabase(stores.asMigrator, own, both, sought)
          positiveControl(
            `${model}: the same look finds the device in its tenant's data`,
            true,
            inOwn.includes('id'),
          )
          const places = {
            "the tenant's data": inOwn,
            "another tenant's data": await findInDatabase(
              stores.asMigrator,
              model === 'rows' ? databases.pool : b.slug,
              [b.id],
              sought,
            ),
            'the deployment’s database': await findInDatabase(
              stores.asMigrator,
              databases.control,
              both,
              sought,
            ),
            'the keys database': await findInDatabase(stores.asMigrator, databases.keys, both, sought),
            Redis: await findInRedis(stores.redis, sought),
            'the logs': await findInFiles(logs, since, sought),
          }
          for (const [place, found] of Object.entries(places))
            check(`${model}: the token in clear in ${place}`, false, found.includes('token'))
          check(`${model}: the device in another tenant's data`, [], places["another tenant's data"])
        } finally {
          await devices.remove(a, id)
        }
      }
    },
  })
}

async function register(edge: EdgeApi, tenant: Tenant, id: string, token: string): Promise<number> {
  const { status } = await edge.request({
    host: tenant.hosts[0] as string,
    method: 'PUT',
    path: `/api/v1/push/devices/${id}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'apns', token }),
  })
  return status
}

async function opens(devices: Devices, tenant: Tenant, id: string, token: string): Promise<boolean> {
  for await (const page of devices.pages(tenant, [id])) if (page[0]?.token === token) return true
  return false
}

async function rows(tenant: Tenant, id: string): Promise<number> {
  const found = await tenant.transaction((db) => db.execute(sql`SELECT FROM push.device WHERE id = ${id}`))
  return found.rowCount ?? 0
}
