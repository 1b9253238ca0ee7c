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
import { shiftedClock, systemClock } from '../../kernel/clock.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { BackupApi } from './api.ts'
import { RESTORE_PHASES } from './restore.ts'
import { dropAbandonedScratches } from './scratch.ts'

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

const write = (tenant: Tenant, marker: string) =>
  tenant.transaction(async (db) => {
    await db.execute(sql`DELETE FROM tenancy.canary`)
    await db.execute(
      sql`INSERT INTO tenancy.canary (id, marker) SELECT gen_random_uuid(), ${marker} FROM generate_series(1, 300)`,
    )
  })
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
    await write(tenant, 'backed up')
    await tenant.files.write('file.txt', [Buffer.from('backed up')])
    const { id } = await api.backUp(tenant.slug)
    const phases = [
      ...RESTORE_PHASES.map((phase) => [phase, 0] as const),
      ['load', 30] as const,
      ['take over rows', 30] as const,
    ]
    for (const [phase, delay] of phases) {
      await write(tenant, 'newer')
      await dieAt('restore', tenant.slug, id, phase, delay)
      kills++
      const after = await state(tenant)
      if (after !== '300 newer' && after !== '300 backed up') mixed.push(`${model} ${phase}: ${after}`)
      await settle()
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
