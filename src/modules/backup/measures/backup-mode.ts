import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { BackupParts } from '../backUp.ts'
import { objectName } from '../manifest.ts'
import type { BackupSettings } from '../settings.ts'

type Mode = Pick<BackupSettings, 'mode'>

/** CAST-60: one page says that it makes no dumps of its own, and that is what must be found. */
export function backupMode(parts: BackupParts): Measure<Mode> {
  const { mode } = parts.settings
  return measure<Mode>({
    key: 'backup.mode',
    sources: ['CAST-60'],
    family: 'availability',
    maps: { gdpr: ['32(1)(c)'], iso27001: ['A.8.13'] },
    settings: { mode },
    claim: {
      de: ({ mode }) =>
        mode === 'snapshot'
          ? 'Eigene Datenbank-Dumps gibt es nicht; die Snapshots des Anbieters gelten als ausreichend.'
          : 'Die Mandanten werden durch eigene Dumps der Datenbank gesichert, nicht nur durch Snapshots der Maschine.',
      en: ({ mode }) =>
        mode === 'snapshot'
          ? "There are no database dumps of our own; the provider's snapshots are deemed enough."
          : 'Tenants are backed up by dumps of their own, not only by snapshots of the machine.',
    },
    async prove({ check, positiveControl, settings: { mode } }) {
      const planted = objectName.dump(newId(), newId())
      const own = async () =>
        (await parts.repository.list('')).filter(({ name }) => name.endsWith('/dump')).length
      const before = await own()
      await parts.repository.put(planted, [Buffer.from('planted')], parts.clock.now())
      try {
        positiveControl('the same look counts a planted dump', before + 1, await own())
      } finally {
        await parts.repository.remove(planted)
      }
      check('dumps of our own in the repository', mode === 'dump', before > 0)
    },
  })
}
