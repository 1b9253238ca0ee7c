import { sql } from 'drizzle-orm'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { canary } from '../canary.ts'
import { formatSealed, parseSealed } from '../format.ts'
import { asSealed, outcomeOf, type ProbeParts, withToken } from '../probing.ts'
import { findBadForms, storesOf } from '../sealedColumns.ts'

interface Form {
  /** Bytes. */
  iv: 12 | 24
}

/** Texts sealed to see whether an IV comes twice. */
const TEXTS = 1_000

/** CAST-15. */
export function vaultFormat({ stores, sealing, commitment, canaries }: ProbeParts): Measure<Form> {
  return measure<Form>({
    key: 'vault.format',
    sources: ['CAST-15'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.8.24'] },
    settings: { iv: commitment ? 24 : 12 },
    claim: {
      de: ({ iv }) =>
        `Verschlüsselte Felder haben die Form v{N}:iv:tag:ct, mit einem IV aus ${iv} zufälligen Bytes je Wert und einem Prüfwert von 16 Bytes; anderes nimmt die Datenbank in diesen Feldern nicht an.`,
      en: ({ iv }) =>
        `Encrypted fields have the form v{N}:iv:tag:ct, with an IV of ${iv} random bytes for each value and a tag of 16 bytes; the database takes nothing else in these fields.`,
    },
    async prove({ check, positiveControl, settings }) {
      const pairs = await canaries()
      for (const { model, a } of pairs) {
        await withToken(sealing, a, async ({ row }) => {
          const parsed = parseSealed(row.accessToken.text)
          positiveControl(`${model}: the stored text has the form`, true, parsed !== null)
          if (!parsed) return
          check(`${model}: bytes of its IV and tag`, [settings.iv, 16], [parsed.iv.length, parsed.tag.length])
          const short = formatSealed({ ...parsed, tag: parsed.tag.subarray(0, 12) })
          const opening = sealing.open(a, canary, { ...row, accessToken: asSealed(short) })
          check(`${model}: the same with a tag of 12 bytes`, 'vault-refused', await outcomeOf(opening))
          for (const [name, text] of [
            ['text in clear', 'secret'],
            ['a tag of 12 bytes', short],
            ['version 17', row.accessToken.text.replace(/^v\d+/, 'v17')],
          ] as const)
            check(`${model}: ${name} written into the field`, 'refused', await write(a, text))
          positiveControl(
            `${model}: the text itself written into it`,
            'taken',
            await write(a, row.accessToken.text),
          )
        })
      }
      for (const store of storesOf(pairs.flatMap(({ a, b }) => [a, b]))) {
        const { fields, bad, planted } = await findBadForms(stores.asMigrator, store, settings.iv)
        positiveControl(`${store.database}: encrypted fields that the look finds`, true, fields > 0)
        positiveControl(`${store.database}: it sees a value of another form`, 1, planted)
        check(`${store.database}: values of another form in any row`, 0, bad)
      }
      const [first] = pairs
      if (first) check(`different IVs of ${TEXTS} values`, TEXTS, await differentIvs(sealing, first.a))
    },
  })
}

/** Writes past the application, and takes it back. */
async function write(tenant: Tenant, text: string): Promise<string> {
  const undo = new Error('undo')
  const outcome = tenant.transaction(async (db) => {
    await db.execute(
      sql`INSERT INTO vault.canary (social_account_id, platform, access_token) VALUES (${newId()}, 'x', ${text})`,
    )
    throw undo
  })
  return outcome.catch((error: unknown) => {
    if (error === undo) return 'taken'
    if ((error as { code?: string }).code === 'invalid-value') return 'refused'
    throw error
  })
}

async function differentIvs(sealing: ProbeParts['sealing'], tenant: Tenant): Promise<number> {
  const row = { socialAccountId: newId(), platform: 'x', accessToken: 'the same' }
  const ivs = new Set<string | undefined>()
  for (let i = 0; i < TEXTS; i++) {
    const { accessToken } = await sealing.seal(tenant, canary, row)
    ivs.add(accessToken?.text.split(':')[1])
  }
  return ivs.size
}
