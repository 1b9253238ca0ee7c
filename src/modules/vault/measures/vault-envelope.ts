import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { databases, roles } from '../../../data/roles.ts'
import { keepSecret } from '../../../data/secrets.ts'
import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { canary } from '../canary.ts'
import { contextOf } from '../dataKeys.ts'
import { fileKms } from '../fileKms.ts'
import { formatSealed, parseSealed } from '../format.ts'
import { asSealed, outcomeOf, type PlantedToken, type ProbeParts, withToken } from '../probing.ts'

/** CAST-13. */
export function vaultEnvelope(parts: ProbeParts): Measure {
  return measure({
    key: 'vault.envelope',
    sources: ['CAST-13'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.8.24'] },
    claim: {
      de: () =>
        'Zugangstoken sind mit AES-256-GCM verschlüsselt. Jeder Kunde hat eigene Datenschlüssel; gespeichert sind sie nur von einem Hauptschlüssel verpackt, in einer Datenbank für sich (Umschlagverschlüsselung).',
      en: () =>
        'Access tokens are encrypted with AES-256-GCM. Each customer has data keys of their own, stored only wrapped by a master key, in a database by themselves (envelope encryption).',
    },
    async prove(probe) {
      await lookAtDatabase(parts, probe)
      for (const { model, a, b } of await parts.canaries()) {
        await withToken(parts.sealing, a, async (planted) => {
          await attackText(parts, probe, model, a, planted)
          await attackKeys(parts, probe, model, { a, b })
        })
      }
    },
  })
}

/** Who may enter the keys database at all. */
async function lookAtDatabase(
  { stores }: ProbeParts,
  { check, positiveControl }: ProbeContext<unknown>,
): Promise<void> {
  const mayEnter = (database: string) =>
    stores.asMigrator('look at who may enter a database', async (client) => {
      const { rows } = await client.query<{ rolname: string }>(
        `SELECT rolname FROM pg_roles
         WHERE rolcanlogin AND NOT rolsuper AND has_database_privilege(rolname, $1, 'CONNECT') ORDER BY 1`,
        [database],
      )
      return rows.map(({ rolname }) => rolname)
    })
  const inControl = await mayEnter(databases.control)
  positiveControl(
    'the same look sees that the application enters its database',
    true,
    inControl.includes(roles.app),
  )
  check(
    'logins that may enter the keys database',
    [roles.keys, roles.migrator].sort(),
    await mayEnter(databases.keys),
  )
}

/** Looks at what is stored, then changes one bit of every byte of it. */
async function attackText(
  { sealing, alerts }: ProbeParts,
  { check, positiveControl }: ProbeContext<unknown>,
  model: string,
  tenant: Tenant,
  { token, row }: PlantedToken,
): Promise<void> {
  const stored = await tenant.transaction((db) =>
    db.execute<{ text: string }>(
      sql`SELECT c::text AS text FROM vault.canary c WHERE social_account_id = ${row.socialAccountId}`,
    ),
  )
  const text = stored.rows[0]?.text ?? ''
  positiveControl(
    `${model}: the row's account is found in it as text`,
    true,
    text.includes(row.socialAccountId),
  )
  check(`${model}: the token is found in it`, false, text.includes(token))
  const opened = await sealing.open(tenant, canary, row)
  positiveControl(`${model}: it opens to the token`, true, opened.accessToken === token)
  const parsed = parseSealed(row.accessToken.text)
  if (!parsed) return check(`${model}: it is a sealed text`, true, false)
  const before = alerts()
  for (const name of ['iv', 'tag', 'ciphertext'] as const) {
    const outcomes = new Set<string>()
    for (let byte = 0; byte < parsed[name].length; byte++) {
      const changed = Buffer.from(parsed[name])
      changed.writeUInt8(changed.readUInt8(byte) ^ (1 << (byte & 7)), byte)
      const accessToken = asSealed(formatSealed({ ...parsed, [name]: changed }))
      outcomes.add(await outcomeOf(sealing.open(tenant, canary, { ...row, accessToken })))
    }
    check(`${model}: with one bit flipped in any byte of its ${name}`, ['vault-refused'], [...outcomes])
  }
  const attempts = parsed.iv.length + parsed.tag.length + parsed.ciphertext.length
  check(`${model}: alerts raised by that, of ${attempts}`, attempts, alerts() - before)
}

/** Takes the wrapped keys of a tenant and tries to open them as somebody else would. */
async function attackKeys(
  { stores, kms }: ProbeParts,
  { check, positiveControl }: ProbeContext<unknown>,
  model: string,
  { a, b }: { a: Tenant; b: Tenant },
): Promise<void> {
  const [key] = await stores.keys.query<{ id: string; version: number; wrapped: string }>(
    `SELECT id, version, wrapped FROM vault.data_key WHERE tenant_id = $1 ORDER BY version DESC, generation DESC LIMIT 1`,
    [a.id],
  )
  if (!key) return check(`${model}: the tenant has a data key`, true, false)
  const { wrapped } = key
  const plain = await kms.unwrap(wrapped, contextOf(a.id, key))
  positiveControl(`${model}: bytes of its data key, opened by the master key`, 32, plain?.length)
  const shown = [plain?.toString('hex'), plain?.toString('base64url')].some((form) =>
    wrapped.includes(`${form}`),
  )
  check(`${model}: the data key stands in the keys database in clear`, false, shown)
  const asOther = await kms.unwrap(wrapped, contextOf(b.id, key))
  check(`${model}: the wrapped key opens as a key of another tenant`, false, asOther !== null)
  if (kms.kind === 'file')
    check(
      `${model}: the wrapped key opens with another master key`,
      false,
      await opensElsewhere(wrapped, a, key),
    )
}

async function opensElsewhere(
  wrapped: string,
  tenant: Tenant,
  key: { id: string; version: number },
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-vault-'))
  try {
    for (let version = 1; version <= 16; version++) keepSecret(folder, `vault-v${version}`)
    return (await fileKms(folder, {}).unwrap(wrapped, contextOf(tenant.id, key))) !== null
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
