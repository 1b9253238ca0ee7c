import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Stores } from '../../../data/index.ts'
import { databases } from '../../../data/roles.ts'
import type { Log } from '../../../kernel/log.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type IdentityApi, tenantRealm } from '../../identity/index.ts'
import type { TelemetryApi } from '../../telemetry/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import { type VaultApi, withToken } from '../../vault/index.ts'
import { formsOf } from '../forms.ts'
import { findInDatabase, findInFiles, findInRedis, type Sought } from '../look.ts'

interface Parts {
  stores: Stores
  tenancy: TenancyApi
  identity: IdentityApi
  vault: VaultApi
  telemetry: TelemetryApi
}

/** FSTV-12. */
export function secretNoPlaintext(parts: Parts): Measure {
  return measure({
    key: 'secret.no-plaintext',
    sources: ['FSTV-12'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.5.17', 'A.8.24'] },
    timeout: 300_000,
    claim: {
      de: () =>
        'Kein Passwort und kein anderes Geheimnis liegt im Klartext in Datenbanken, Redis, Protokollen oder Dateien.',
      en: () => 'No password and no other secret lies in clear in databases, Redis, logs or files.',
    },
    async prove({ check, positiveControl, clock, log }) {
      const { stores, tenancy, telemetry } = parts
      for (const { model, a, b } of await tenancy.canaries.find()) {
        const since = new Date(clock.now().getTime() - 1_000)
        await withSecrets(parts, a, log, async (secrets, marker) => {
          telemetry.files.flush()
          const sought = [...secrets, marker]
          const own = model === 'rows' ? databases.pool : a.slug
          const places: [string, Promise<string[]>, boolean][] = []
          for (const database of new Set([own, databases.control, databases.keys]))
            places.push([
              database === own ? "the tenant's database" : `the database ${database}`,
              findInDatabase(stores.asMigrator, database, [a.id, b.id], sought),
              database === own,
            ])
          places.push(['Redis', findInRedis(stores.redis, sought), true])
          places.push(['the logs', findInFiles(telemetry.files.folder, since, sought), true])
          places.push([
            "the tenant's files",
            findInFiles(join(stores.files, 'filestore', a.slug), since, sought),
            true,
          ])
          for (const [place, looking, isPlanted] of places) {
            const found = await looking
            if (isPlanted)
              positiveControl(
                `${model}: a text in clear put into ${place} is found`,
                true,
                found.includes(marker.name),
              )
            const leaked = found.filter((name) => name !== marker.name)
            check(`${model}: secrets found in ${place}, of ${secrets.length}`, [], leaked)
          }
        })
      }
    },
  })
}

/**
 * Gives the platform one secret of every kind for as long as `work` takes, and puts a marker in clear into the tenant's
 * database, Redis, the logs and the tenant's files.
 */
async function withSecrets(
  { stores, identity, vault }: Parts,
  tenant: Tenant,
  log: Log,
  work: (secrets: Sought[], marker: Sought) => Promise<void>,
): Promise<void> {
  const { people, apiTokens, sessions, secondFactors } = identity
  const realm = tenantRealm(tenant)
  const name = randomBytes(24).toString('hex')
  const password = randomBytes(24).toString('hex')
  const id = await people.add(realm, { email: `${name}@canary.invalid`, name, role: 'reader', password })
  const key = tenant.cache.key(`probe:${name}`)
  const file = `probe/${name}.txt`
  try {
    const hash = await people.passwordHashOf(realm, id)
    const { refresh } = await sessions.begin(
      realm,
      { id, password: hash },
      { device: 'probe', factors: ['pwd'] },
    )
    const about = { name: 'probe', permissions: ['content.read'], life: 60_000 }
    const { token } = await apiTokens.issue(realm, id, about)
    const seed = await secondFactors.enrol(realm, id, 0)
    await stores.redis.set(key, name, 'EX', 300)
    await tenant.files.write(file, [Buffer.from(name)])
    log.warn({ canary: true, probe: name }, 'a marker of a probe')
    await withToken(vault, tenant, ({ token: accessToken, refreshToken }) =>
      work(
        [
          text('a password', password),
          text('a refresh token', refresh),
          text('an API token', token),
          text('an access token of a social account', accessToken),
          text('a refresh token of a social account', refreshToken),
          { name: 'the seed of an authenticator app', forms: formsOf(seed) },
        ],
        text('the marker', name),
      ),
    )
  } finally {
    await tenant.files.remove(file)
    await stores.redis.del(key)
    await people.remove(realm, id)
  }
}

const text = (name: string, secret: string): Sought => ({ name, forms: formsOf(Buffer.from(secret)) })
