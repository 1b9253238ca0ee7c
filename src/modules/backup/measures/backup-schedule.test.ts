import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { BackupApi } from '../api.ts'
import { backup } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, backup])
  await api().due()
})
after(() => platform?.stop())

const api = () => platform.api('backup') as BackupApi
const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

it('backup.schedule goes red when no backup was made for too long', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'backup.schedule', {
    sabotage: () => inControl(`UPDATE backup.backup SET snapshot_at = snapshot_at - interval '27 hours'`),
    repair: () => inControl(`UPDATE backup.backup SET snapshot_at = snapshot_at + interval '27 hours'`),
    seen: /older than interval and grace/,
  }))

it('backup.schedule goes red when one tenant is left out', async () => {
  const left = await platform.makeTenant('rows')
  await api().due()
  await proveBySabotage(platform.api('proof') as ProofApi, 'backup.schedule', {
    sabotage: async () => {
      await inControl(
        `UPDATE tenancy.tenant SET created_at = created_at - interval '27 hours' WHERE id = '${left.id}'`,
      )
      await inControl(`DELETE FROM backup.backup WHERE tenant_id = '${left.id}'`)
    },
    repair: () => api().due(),
    seen: /older than interval and grace/,
  })
})

it('backup.schedule goes red when a dump is gone from the repository', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'backup.schedule', {
    sabotage: async () => {
      const [newest] = await api().list('canary-rows-a')
      const folder = join(platform.stores.files, 'backups', newest?.tenantId as string)
      await rm(join(folder, newest?.id as string, 'dump'))
    },
    repair: () => api().backUp('canary-rows-a'),
    seen: /canary-rows-a: pg_restore reads/,
  }))
