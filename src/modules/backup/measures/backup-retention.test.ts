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

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, backup])
  await (platform.api('backup') as BackupApi).due()
})
after(() => platform?.stop())

const OLD = '01890000-0000-7000-8000-000000000000'
const GONE = '01890000-0000-7000-8000-000000000001'

it('backup.retention goes red when a backup stays beyond its time', () => {
  const repository = openFileRepository(join(platform.stores.files, 'backups'))
  return proveBySabotage(platform.api('proof') as ProofApi, 'backup.retention', {
    sabotage: () => repository.put(`${GONE}/${OLD}/dump`, [Buffer.from('old')], new Date()),
    repair: () => repository.remove(`${GONE}/${OLD}/dump`),
    seen: /older than their time/,
  })
})

it('backup.retention goes red when a backup is deleted before its time', async () => {
  const repository = openFileRepository(join(platform.stores.files, 'backups'))
  const backupApi = platform.api('backup') as BackupApi
  const made = await backupApi.backUp('canary-rows-a')
  await proveBySabotage(platform.api('proof') as ProofApi, 'backup.retention', {
    sabotage: () => repository.remove(`${made.tenantId}/${made.id}/dump`),
    repair: () =>
      platform.asSuperuser(databases.control, (client) =>
        client.query(`UPDATE backup.backup SET state = 'expired' WHERE id = $1`, [made.id]),
      ),
    seen: /missing in the repository/,
  })
})

it('backup.retention goes red when what is over is not removed', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'backup.retention', {
    // The index no longer lets a backup expire.
    sabotage: () =>
      platform.asSuperuser(databases.control, (client) =>
        client.query(`CREATE FUNCTION backup.sabotage() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN NEW.expires_at := 'infinity'; RETURN NEW; END $$;
          GRANT EXECUTE ON FUNCTION backup.sabotage() TO PUBLIC;
          CREATE TRIGGER sabotage BEFORE INSERT ON backup.backup FOR EACH ROW EXECUTE FUNCTION backup.sabotage()`),
      ),
    repair: () =>
      platform.asSuperuser(databases.control, (client) =>
        client.query('DROP FUNCTION backup.sabotage() CASCADE'),
      ),
    seen: /of three planted backups/,
  }))
