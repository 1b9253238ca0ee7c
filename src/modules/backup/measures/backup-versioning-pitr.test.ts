import assert from 'node:assert/strict'
import { readdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ownPostgres } from '../../../../test/support/ownPostgres.ts'
import { noPgBackRest } from '../../../../test/support/pgBackRest.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { createLog } from '../../../kernel/log.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { runProbe } from '../../../proof/runProbe.ts'
import { archiveSettings, backup } from '../index.ts'
import { backupVersioningPitr, type PitrParts } from './backup-versioning-pitr.ts'

/** As it lies in the repository, below the version and the log that it belongs to. */
const SEGMENT = /\/[0-9A-F]{24}-[0-9a-f]{40}/

const missing = noPgBackRest()

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
    const archive = join(home, 'repository/archive/surety')
    const segments = (await readdir(archive, { recursive: true })).filter((name) => SEGMENT.test(name)).sort()
    const lost = join(archive, segments.at(-1) as string)
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

  it('the commands of the runbook for the whole cluster do what it says', async () => {
    const { outcome, reason, checks } = await (platform.api('proof') as ProofApi).run('restore.runbook')
    assert.equal(outcome, 'proven', String(reason))
    assert.ok(checks.some(({ what }) => /what the folder holds/.test(what)))
    assert.deepEqual((await readdir(home)).sort(), ['lock', 'pgbackrest.conf', 'repository'])
  })
})

describe('backup.versioning.pitr, for whom it does not hold', () => {
  const settings = { mode: 'dump', every: 1, drillEvery: 1 }
  const outcome = async (parts: object) => {
    const given = { drills: { settings }, ...parts } as PitrParts
    const context = { clock: systemClock, log: createLog({ name: 'test', level: 'silent' }), build: 'test' }
    return (await runProbe(backupVersioningPitr(given), context)).reason
  }

  it('is not applicable where neither settings nor a bucket promise it', async () =>
    assert.match((await outcome({})) ?? '', /no point-in-time recovery/))

  it('is not observable where the database files are on another machine', async () => {
    const server = {
      cluster: '/nonexistent/cluster',
      archiveMode: 'on',
      archiveCommand: 'pgbackrest archive-push',
    }
    const elsewhere = {
      drills: { settings: { ...settings, pitr: { keepFor: 1, archiveEvery: 1, fullEvery: 1 } } },
    }
    const cluster = { server: async () => server }
    assert.match((await outcome({ ...elsewhere, cluster })) ?? '', /^CLUSTER_ELSEWHERE/)
  })
})
