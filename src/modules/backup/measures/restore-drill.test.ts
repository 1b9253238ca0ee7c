import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { BackupApi } from '../api.ts'
import { objectName } from '../manifest.ts'

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

it('restore.drill goes red when a restore loses rows', async () => {
  const lose = rewriteRows(platform, databases.template, 'tenancy.canary', 'INSERT', 'RETURN NULL;')
  // The trial tenants are made from the template; those made in advance too.
  await proveBySabotage(proofApi(), 'restore.drill', {
    sabotage: async () => {
      await dropSpares()
      await lose.sabotage()
    },
    repair: async () => {
      await lose.repair()
      await dropSpares()
    },
    seen: /the restore went through/,
  })
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
  const left = (await platform.tenancy.list()).filter(({ slug }) => slug.startsWith('trial-drill-'))
  const { rows } = await platform.asSuperuser('postgres', (client) =>
    client.query(`SELECT datname FROM pg_database WHERE datname ~ '^(trial-drill|surety_restore)'`),
  )
  assert.deepEqual([left, rows], [[], []])
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
