import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ApiOf } from '../../../kernel/module.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { vault } from '../../vault/index.ts'
import type { BackupApi } from '../api.ts'
import { openFileRepository } from '../fileRepository.ts'
import { backup } from '../index.ts'
import { openBackupKeys } from '../keys.ts'
import { objectName, readObject } from '../manifest.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, backup])
  await (platform.api('backup') as BackupApi).due()
})
after(() => platform?.stop())

const newest = async () => {
  const [made] = await (platform.api('backup') as BackupApi).list('canary-database-a')
  const name = objectName.dump(made?.tenantId as string, made?.id as string)
  return { name, path: join(platform.stores.files, 'backups', name) }
}

it('backup.encryption goes red when a backup lies there in clear', async () => {
  const { name, path } = await newest()
  const before = await readFile(path)
  const sealed = {
    repository: openFileRepository(join(platform.stores.files, 'backups')),
    keys: openBackupKeys(platform.api('vault') as ApiOf<typeof vault>),
  }
  await proveBySabotage(platform.api('proof') as ProofApi, 'backup.encryption', {
    sabotage: async () => {
      const clear = await buffer(readObject(sealed, name))
      const copy = join(path, '../copy')
      await writeFile(copy, clear)
    },
    repair: async () => {
      await rm(join(path, '../copy'))
      await writeFile(path, before)
    },
    seen: /do not begin as encrypted/,
  })
})
