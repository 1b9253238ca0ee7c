import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { BackupApi } from '../api.ts'
import { openFileRepository } from '../fileRepository.ts'
import { backup } from '../index.ts'

const folder = join(tmpdir(), 'backups-that-should-not-be')
let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, backup], { backup: { mode: 'snapshot', folder } })
})
after(() => platform?.stop())

it('backup.mode goes red when dumps are made although the page says that there are none', () => {
  const api = platform.api('backup') as BackupApi
  let made: { id: string } | undefined
  const repository = openFileRepository(folder)
  return proveBySabotage(platform.api('proof') as ProofApi, 'backup.mode', {
    sabotage: async () => {
      made = await api.backUp('canary-rows-a')
    },
    repair: async () => {
      for (const { name } of await repository.list('')) await repository.remove(name)
      await platform.asSuperuser(databases.control, (client) =>
        client.query(`UPDATE backup.backup SET state = 'expired' WHERE id = $1`, [made?.id]),
      )
    },
    seen: /dumps of our own/,
  })
})
