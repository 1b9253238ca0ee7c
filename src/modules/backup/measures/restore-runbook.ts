import { fileURLToPath } from 'node:url'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { attackRunbook } from '../attackRunbook.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { DrillParts } from '../drill.ts'
import { readRunbook } from '../runbook.ts'
import type { BackupSettings } from '../settings.ts'
import { dropTrial, makeTrial } from '../trial.ts'
import { canariesToDrill } from './restore-drill.ts'

type Runbook = Pick<BackupSettings, 'mode' | 'drillEvery'> & { pitr: boolean }

const OURS = fileURLToPath(new URL('../../../../docs/BACKUP.md', import.meta.url))

/** What a runbook has to cover. */
const PARTS = ['back-up', 'beside', 'replace', 'cluster-back-up', 'cluster-restore']

/** PREZ-29. */
export function restoreRunbook(parts: DrillParts, cluster: Cluster | undefined): Measure<Runbook> {
  const { mode, drillEvery, runbookFileName } = parts.settings
  return measure<Runbook>({
    key: 'restore.runbook',
    sources: ['PREZ-29'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(c)', '32(1)(d)'], iso27001: ['A.5.37', 'A.8.13'] },
    settings: { mode, drillEvery, pitr: cluster !== undefined },
    freshFor: drillEvery,
    timeout: 3_600_000,
    claim: {
      de: ({ drillEvery }) =>
        `Wie aus Sicherungen wiederhergestellt wird, ist beschrieben; die Befehle dieser Anleitung werden mindestens alle ${formatDuration(drillEvery, 'de')} genau so ausgeführt, wie sie dort stehen.`,
      en: ({ drillEvery }) =>
        `How to restore from backups is written down; the commands of that runbook are run exactly as they stand there at least every ${formatDuration(drillEvery, 'en')}.`,
    },
    async prove(context) {
      const { check, notApplicable, settings } = context
      if (settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      const blocks = await readRunbook(runbookFileName ?? OURS).catch(() => [])
      const missing = PARTS.filter((part) => !blocks.some(({ name }) => name === part))
      check('what the runbook has to cover and does not', [], missing)
      const [record] = await canariesToDrill(parts)
      if (!record || missing.length > 0) return
      const canary = await parts.tenancy.bySlug(record.slug)
      const trial = await makeTrial(parts.tenancy, canary)
      try {
        await attackRunbook({ parts, cluster, canary, target: trial.slug, context }, blocks)
      } finally {
        await dropTrial(parts, trial)
      }
    },
  })
}
