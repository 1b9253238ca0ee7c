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
  platform = await testPlatform([proof, backup], { backup: { rpo: '27h' } })
  await (platform.api('backup') as BackupApi).due()
})
after(() => platform?.stop())

const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

for (const { name, sabotage, repair, seen } of [
  {
    name: 'the newest backups have become too old',
    sabotage: `UPDATE backup.backup SET snapshot_at = snapshot_at - interval '28 hours', available_at = available_at - interval '28 hours'`,
    repair: `UPDATE backup.backup SET snapshot_at = snapshot_at + interval '28 hours', available_at = available_at + interval '28 hours'`,
    seen: /if everything were gone now/,
  },
  {
    name: 'a backup took so long that it was available too late',
    sabotage: `UPDATE backup.backup SET snapshot_at = snapshot_at - interval '28 hours'`,
    repair: `UPDATE backup.backup SET snapshot_at = snapshot_at + interval '28 hours'`,
    seen: /worst moment/,
  },
])
  it(`dr.rpo goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'dr.rpo', {
      sabotage: () => inControl(sabotage),
      repair: () => inControl(repair),
      seen,
    }))
