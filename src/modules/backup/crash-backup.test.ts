import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { moduleArgs } from '../../../test/support/fast.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { platformModules } from '../../cli/platform.ts'
import { databases } from '../../data/roles.ts'
import type { ApiOf } from '../../kernel/module.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { vault } from '../vault/index.ts'
import type { BackupApi } from './api.ts'
import { BACKUP_STEPS } from './backUp.ts'
import { openFileRepository } from './fileRepository.ts'
import { openBackupKeys } from './keys.ts'
import { measureAll, objectName, readManifest, readObject } from './manifest.ts'

/** A process of its own that backs up or restores, and kills itself (SIGKILL) some milliseconds after a given step. */
const DYING = `
import { startPlatform } from '${join(import.meta.dirname, '../../cli/platform.ts')}'
import { createLog } from '${join(import.meta.dirname, '../../kernel/log.ts')}'
import { backup } from '${join(import.meta.dirname, 'index.ts')}'
const [act, slug, id, at, delay] = process.argv.slice(1)
const platform = await startPlatform({ log: createLog({ name: 'child', level: 'silent' }), environment: process.env })
const die = () => process.kill(process.pid, 'SIGKILL')
const onStep = (step) => {
  if (step !== at) return
  if (delay === '0') die()
  else setTimeout(die, Number(delay))
}
const api = platform.api(backup)
if (act === 'back up') await api.backUp(slug, onStep)
else await api.restore(id, slug, onStep)
await new Promise(() => setInterval(die, 1000))`

let platform: TestPlatform
let api: BackupApi
before(async () => {
  platform = await testPlatform(platformModules)
  api = platform.api('backup') as BackupApi
  await api.due()
})
after(() => platform?.stop())

async function dieAt(
  act: 'back up' | 'restore',
  slug: string,
  id: string,
  at: string,
  delay = 0,
): Promise<void> {
  const args = moduleArgs(DYING, act, slug, id, at, String(delay))
  const child = spawn(process.execPath, args, {
    env: platform.program.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL')
}

/** What another process does once the lease of the dead one is over. */
async function settle(): Promise<void> {
  await platform.asSuperuser(databases.control, (client) =>
    client.query(`UPDATE backup.backup SET lease_until = now() WHERE state = 'running';
      UPDATE backup.restore SET lease_until = now() WHERE state = 'running'`),
  )
  await api.due()
}

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

const write = (tenant: Tenant, marker: string) =>
  tenant.transaction(async (db) => {
    await db.execute(sql`DELETE FROM tenancy.canary`)
    await db.execute(
      sql`INSERT INTO tenancy.canary (id, marker) SELECT gen_random_uuid(), ${marker} FROM generate_series(1, 300)`,
    )
  })
it('a backup counts when it is whole and not before, wherever its process is killed', async (context) => {
  let kills = 0
  const half: string[] = []
  const lost: string[] = []
  for (const model of ['database', 'rows'] as const) {
    const tenant = await platform.makeTenant(model)
    await write(tenant, 'content')
    await tenant.files.write('file.txt', [Buffer.from('content')])
    const steps = [
      ...BACKUP_STEPS.map((step) => [step, 0] as const),
      ['begun', 15] as const,
      ['begun', 60] as const,
    ]
    for (const [step, delay] of steps) {
      const before = (await api.list(tenant.slug)).length
      await dieAt('back up', tenant.slug, '', step, delay)
      kills++
      half.push(...(await brokenBackups(tenant.slug)))
      await settle()
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
