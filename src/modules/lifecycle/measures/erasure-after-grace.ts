import { randomUUID } from 'node:crypto'
import { databases } from '../../../data/roles.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { verifyBundle } from '../../../proof/evidence/verify.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import type { Receipt } from '../ledger.ts'
import { again, outcomeOf, type ProbeParts, withTrials } from '../trial.ts'

/** FEST-38. The clock is the sweeper's own parameter, shifted; a canary made for it is what is erased. */
export function erasureAfterGrace(parts: ProbeParts): Measure<{ grace: number }> {
  const { lifecycle, erasing, edge, grace } = parts
  const { tenancy, stores, vault } = erasing
  const remains = ({ id, slug, model, canary }: Tenant) =>
    tenancy.erasing.remains({ id, slug, model, canary, database: model === 'rows' ? databases.pool : slug })

  async function fill(trial: Tenant): Promise<string> {
    await trial.files.write('probe.txt', [Buffer.from('probe')])
    await stores.redis.set(trial.cache.key('probe'), '1', 'EX', 3_600)
    return (await vault.backupKey(trial)).keyId
  }
  /** As a backup would that is older than the erasure. */
  async function bringBack({ id }: Tenant): Promise<void> {
    await erasing.stores.asMigrator(
      'bring a row of an erased canary back',
      (client) =>
        client.query(`INSERT INTO tenancy.canary (tenant_id, id, marker) VALUES ($1, $2, 'back')`, [
          id,
          randomUUID(),
        ]),
      databases.pool,
    )
  }

  return measure({
    key: 'erasure.after-grace',
    sources: ['FEST-38'],
    family: 'availability',
    maps: { gdpr: ['5(1)(e)', '17(1)', '28(3)(g)'], iso27001: ['A.8.10'] },
    settings: { grace },
    claim: {
      de: ({ grace }) =>
        `${formatDuration(grace, 'de')} nach der Sperrung werden die Daten und Dateien des Kontos endgültig gelöscht, mit Beleg; auch ein älteres Backup bringt sie nicht zurück.`,
      en: ({ grace }) =>
        `${formatDuration(grace, 'en')} after the suspension the account's data and files are erased for good, with a receipt; an older backup does not bring them back either.`,
    },
    timeout: 180_000,
    async prove({ check, positiveControl }) {
      await withTrials(parts, async (trial, model) => {
        const keyId = await fill(trial)
        await lifecycle.suspend(trial.slug)
        const since = (await again(tenancy, trial)).suspendedAt?.getTime() ?? 0
        const there = (await remains(trial)).map((what) => what.replace(/ in .*/, ''))
        const expected =
          model === 'rows' ? ['rows', 'files', 'keys'] : ['its database', 'its role', 'files', 'keys']
        const seen = expected.filter((what) => there.includes(what))
        positiveControl(`${model}: what is there before`, expected, seen)

        const swept: Receipt[] = []
        const end = lifecycle
          .sweep(new Date(since + grace + 1), trial.slug)
          .then((receipts) => swept.push(...receipts))
        check(`${model}: a sweep when the period is over`, 'done', await outcomeOf(end))
        check(`${model}: what is left in database, files, Redis and registry`, [], await remains(trial))
        const host = trial.hosts[0] as string
        check(
          `${model}: its host answers`,
          404,
          (await edge.request({ host, path: '/api/v1/tenant', insecure: true })).status,
        )
        check(
          `${model}: the key of its backups`,
          'vault-destroyed',
          await outcomeOf(vault.backupKey(trial, keyId)),
        )
        const [receipt] = swept
        check(
          `${model}: the receipt verifies offline`,
          true,
          receipt ? verifyBundle(JSON.stringify(receipt.proof)).ok : false,
        )
        if (model !== 'rows') return
        await bringBack(trial)
        positiveControl(
          `${model}: an older backup brings a row back`,
          true,
          (await remains(trial)).length > 0,
        )
        await lifecycle.replayLedger()
        check(`${model}: what is left of it after the ledger was replayed`, [], await remains(trial))
      })
    },
  })
}
