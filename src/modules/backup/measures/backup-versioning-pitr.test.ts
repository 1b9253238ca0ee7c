import assert from 'node:assert/strict'
import { readdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ownPostgres } from '../../../../test/support/ownPostgres.ts'
import { findPgBackRestOrWhy } from '../../../../test/support/pgBackRest.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { archiveSettings, backup } from '../index.ts'

const missing = await findPgBackRestOrWhy()

describe('backup.versioning.pitr', { skip: missing }, () => {
  const home = join(tmpdir(), 'platform-files/pgbackrest')
  const pitr = { keepFor: '14d' }
  let platform: TestPlatform
  let stop: () => Promise<void>
  before(async () => {
    const place = { config: join(home, 'pgbackrest.conf'), stanza: 'surety' }
    stop = await ownPostgres((cluster) => archiveSettings(place, cluster, { archiveEvery: 300_000 }))
    platform = await testPlatform([proof, backup], { backup: { pitr } })
  })
  after(async () => {
    await platform?.stop()
    await stop?.()
  })
  const superuser = (...statements: string[]) =>
    platform.asSuperuser(databases.control, async (client) => {
      for (const statement of statements) await client.query(statement)
    })

  it('goes red when the server no longer hands on its log', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.versioning.pitr', {
      sabotage: () => superuser(`ALTER SYSTEM SET archive_command = ''`, 'SELECT pg_reload_conf()'),
      repair: () => superuser('ALTER SYSTEM RESET archive_command', 'SELECT pg_reload_conf()'),
      seen: /hands its log to pgBackRest/,
    }))

  it('goes red when a segment of the log is gone from the repository', async () => {
    const folder = join(home, 'repository/archive/surety/15-1/0000000100000000')
    const segments = (await readdir(folder)).filter((name) => /-/.test(name)).sort()
    const lost = join(folder, segments.at(-1) as string)
    await proveBySabotage(platform.api('proof') as ProofApi, 'backup.versioning.pitr', {
      // What only a rehearsal shows is to be seen too.
      sabotage: async () => {
        await superuser('DELETE FROM backup.cluster_rehearsal')
        await rename(lost, `${home}/lost`)
      },
      repair: () => rename(`${home}/lost`, lost),
      seen: /once it is restored/,
    })
    assert.deepEqual((await readdir(home)).sort(), ['lock', 'pgbackrest.conf', 'repository'])
  })
})
