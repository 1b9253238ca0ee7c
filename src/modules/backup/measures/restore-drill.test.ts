import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import { databases } from '../../../data/roles.ts'
import type { ApiOf } from '../../../kernel/module.ts'
import type { ProofApi } from '../../../proof/api.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { vault } from '../../vault/index.ts'
import type { BackupApi } from '../api.ts'
import { openFileRepository } from '../fileRepository.ts'
import { openBackupKeys } from '../keys.ts'
import { objectName, readManifest, writeManifest } from '../manifest.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules)
  await platform.tenancy.canaries.open()
  await platform.serve()
  const tenant = await platform.tenancy.bySlug('canary-rows-a')
  await tenant.files.write('drill.txt', [Buffer.from('drill')])
  await api().backUp('canary-rows-a')
  await api().backUp('canary-database-a')
})
after(() => platform?.stop())

const api = () => platform.api('backup') as BackupApi
const proofApi = () => platform.api('proof') as ProofApi
const newest = async (slug: string) => (await api().list(slug))[0] as { id: string; tenantId: string }

it('restore.drill goes red when a byte of the newest backup was changed', async () => {
  const { tenantId, id } = await newest('canary-rows-a')
  const path = join(platform.stores.files, 'backups', objectName.dump(tenantId, id))
  const whole = await readFile(path)
  const corrupt = Buffer.from(whole)
  corrupt[corrupt.length - 20] = (corrupt.at(-20) as number) ^ 1
  await proveBySabotage(proofApi(), 'restore.drill', {
    sabotage: () => writeFile(path, corrupt),
    repair: () => writeFile(path, whole),
    seen: /canary-rows-a: the restore went through/,
  })
})

it('a drill fails when a restore loses rows', async () => {
  const lose = rewriteRows(platform, databases.template, 'tenancy.canary', 'INSERT', 'RETURN NULL;')
  // The trial tenants are made from the template; those made in advance too.
  await dropSpares()
  await lose.sabotage()
  try {
    const { passed, checks } = await api().drill('canary-rows-a')
    const red = checks.filter(({ ok }) => !ok).map(({ what }) => what)
    assert.deepEqual([passed, red], [false, ['the restore went through']])
  } finally {
    await lose.repair()
    await dropSpares()
  }
})

async function dropSpares(): Promise<void> {
  await platform.asSuperuser('postgres', async (client) => {
    const { rows } = await client.query(`SELECT datname FROM pg_database WHERE datname LIKE 'surety_spare_%'`)
    for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`)
  })
}

it('a drill reports phases, times and what it compared, and leaves nothing behind', async () => {
  const report = await api().drill('canary-rows-a')
  assert.deepEqual(
    report.checks.filter(({ ok }) => !ok),
    [],
  )
  assert.ok(report.passed && report.rtoMs > 0 && report.rpoMs >= 0)
  assert.deepEqual(Object.keys(report.phases).slice(-2), ['boot', 'first answer'])
  assert.equal((await api().drills(new Date(0), 1))[0]?.id, report.id)
  assert.deepEqual(
    Object.keys((await api().drills(new Date(0), 1))[0]?.phases ?? {}),
    Object.keys(report.phases),
  )
  const left = (await platform.tenancy.list()).filter(({ slug }) => slug.startsWith('trial-drill-'))
  const { rows } = await platform.asSuperuser('postgres', (client) =>
    client.query(`SELECT datname FROM pg_database WHERE datname ~ '^(trial-drill|surety_restore)'`),
  )
  assert.deepEqual([left, rows], [[], []])
})

it('a backup that was made while nobody answered is not compared with later answers', async () => {
  const canary = await platform.tenancy.bySlug('canary-rows-a')
  await platform.tenancy.canaries.open()
  const unheard = await api().backUp(canary.slug)
  // As a backup is that was made before the serving process was up, and of other data.
  const sealed = {
    repository: openFileRepository(join(platform.stores.files, 'backups')),
    keys: openBackupKeys(platform.api('vault') as ApiOf<typeof vault>),
  }
  const manifest = await readManifest(sealed, canary.id, unheard.id)
  await sealed.repository.remove(objectName.manifest(canary.id, unheard.id))
  await writeManifest(sealed, { ...manifest, openapi: null, answers: [] })
  const report = await api().drill(canary.slug)
  assert.ok(report.passed)
  assert.notEqual(report.backupId, unheard.id)
  assert.equal(
    report.snapshotAt,
    unheard.snapshotAt?.toISOString(),
    'what would be lost is counted from there',
  )
})

it('what drills measured is public, as JSON and as a page; beginning one is for operators', async () => {
  const edge = platform.api('edge') as EdgeApi
  const { drills } = JSON.parse(
    (await edge.request({ host: edge.trustHost, path: '/api/v1/restore-drills' })).body,
  )
  assert.equal(drills[0].slug, 'canary-rows-a')
  const page = await edge.request({ host: edge.trustHost, path: '/de/restore-drills' })
  assert.match(page.body, /Wiederherstellungsübungen/)
  const refused = await edge.request({ host: edge.adminHost, path: '/api/v1/drills', method: 'POST' })
  assert.equal(refused.status, 401)
})
