import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { dieAt, fillWith, settle } from '../../../test/support/dyingBackup.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { platformModules } from '../../cli/platform.ts'
import type { ApiOf } from '../../kernel/module.ts'
import type { vault } from '../vault/index.ts'
import type { BackupApi } from './api.ts'
import { BACKUP_STEPS } from './backUp.ts'
import { openFileRepository } from './fileRepository.ts'
import { openBackupKeys } from './keys.ts'
import { measureAll, objectName, readManifest, readObject } from './manifest.ts'

let platform: TestPlatform
let api: BackupApi
before(async () => {
  platform = await testPlatform(platformModules)
  api = platform.api('backup') as BackupApi
  await api.due()
})
after(() => platform?.stop())

const sealed = () => ({
  repository: openFileRepository(join(platform.stores.files, 'backups')),
  keys: openBackupKeys(platform.api('vault') as ApiOf<typeof vault>),
})

/** Backups that are said to be available and are not whole. */
async function brokenBackups(slug: string): Promise<string[]> {
  const broken: string[] = []
  for (const { id, tenantId } of await api.list(slug)) {
    const manifest = await readManifest(sealed(), tenantId, id).catch(() => undefined)
    const dump = await measureAll(readObject(sealed(), objectName.dump(tenantId, id))).catch(() => undefined)
    if (!manifest || manifest.dump.sha256 !== dump?.sha256) broken.push(id)
  }
  return broken
}

it('a backup counts when it is whole and not before, wherever its process is killed', async (context) => {
  let kills = 0
  const half: string[] = []
  const lost: string[] = []
  for (const model of ['database', 'rows'] as const) {
    const tenant = await platform.makeTenant(model)
    await fillWith(tenant, 'content')
    await tenant.files.write('file.txt', [Buffer.from('content')])
    const steps = [
      ...BACKUP_STEPS.map((step) => [step, 0] as const),
      ['begun', 15] as const,
      ['begun', 60] as const,
    ]
    for (const [step, delay] of steps) {
      const before = (await api.list(tenant.slug)).length
      await dieAt(platform, 'back up', { slug: tenant.slug, at: step, delay })
      kills++
      half.push(...(await brokenBackups(tenant.slug)))
      await settle(platform)
      half.push(...(await brokenBackups(tenant.slug)))
      const now = (await api.list(tenant.slug)).length
      const whole = step === 'manifest stored' || step === 'available'
      if (whole && now <= before) lost.push(`${model} ${step}`)
      const known = new Set((await api.list(tenant.slug)).map(({ id }) => id))
      const stored = (await sealed().repository.list(`${tenant.id}/`)).map(
        ({ name }) => name.split('/')[1] as string,
      )
      half.push(...stored.filter((part) => part !== 'files' && !known.has(part)))
      await api.backUp(tenant.slug)
    }
  }
  context.diagnostic(
    `backup: ${BACKUP_STEPS.length} steps, ${kills} kills, ${half.length} half backups, ${lost.length} lost`,
  )
  assert.deepEqual([half, lost], [[], []])
})
