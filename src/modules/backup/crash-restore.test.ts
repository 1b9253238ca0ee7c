import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { dieAt, fillWith, settle } from '../../../test/support/dyingBackup.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { platformModules } from '../../cli/platform.ts'
import { shiftedClock, systemClock } from '../../kernel/clock.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { BackupApi } from './api.ts'
import { RESTORE_PHASES } from './restore.ts'
import { dropAbandonedScratches } from './scratch.ts'

let platform: TestPlatform
let api: BackupApi
before(async () => {
  platform = await testPlatform(platformModules)
  api = platform.api('backup') as BackupApi
  await api.due()
})
after(() => platform?.stop())

const state = async (tenant: Tenant) => {
  const found = await tenant.transaction((db) =>
    db.execute(sql`SELECT marker, count(*)::int AS n FROM tenancy.canary GROUP BY marker ORDER BY marker`),
  )
  return found.rows.map(({ marker, n }) => `${n} ${marker}`).join(', ')
}

it('a tenant is as before or as in the backup, wherever the process that restores it is killed', async (context) => {
  let kills = 0
  const mixed: string[] = []
  const wrong: string[] = []
  for (const model of ['database', 'rows'] as const) {
    const tenant = await platform.makeTenant(model)
    await fillWith(tenant, 'backed up')
    await tenant.files.write('file.txt', [Buffer.from('backed up')])
    const { id } = await api.backUp(tenant.slug)
    const phases = [
      ...RESTORE_PHASES.map((phase) => [phase, 0] as const),
      ['load', 30] as const,
      ['take over rows', 30] as const,
    ]
    for (const [phase, delay] of phases) {
      await fillWith(tenant, 'newer')
      await dieAt(platform, 'restore', { slug: tenant.slug, id, at: phase, delay })
      kills++
      const after = await state(tenant)
      if (after !== '300 newer' && after !== '300 backed up') mixed.push(`${model} ${phase}: ${after}`)
      await settle(platform)
      const changing = RESTORE_PHASES.indexOf(phase) >= RESTORE_PHASES.indexOf('take over rows')
      const settled = await state(tenant)
      const allowed = delay > 0 ? ['300 newer', '300 backed up'] : [changing ? '300 backed up' : '300 newer']
      if (!allowed.includes(settled)) wrong.push(`${model} ${phase}: ${settled}`)
    }
  }
  const later = { stores: platform.stores, clock: shiftedClock(systemClock, 120_000) }
  await dropAbandonedScratches(later)
  const { rows } = await platform.asSuperuser('postgres', (client) =>
    client.query(`SELECT datname FROM pg_database WHERE starts_with(datname, 'surety_restore_')`),
  )
  context.diagnostic(
    `restore: ${RESTORE_PHASES.length} phases, ${kills} kills, ${mixed.length} mixed, ${wrong.length} wrong`,
  )
  assert.deepEqual([mixed, wrong, rows], [[], [], []])
})
