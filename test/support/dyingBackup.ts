import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { databases } from '../../src/data/roles.ts'
import type { BackupApi } from '../../src/modules/backup/index.ts'
import type { Tenant } from '../../src/modules/tenancy/index.ts'
import { moduleArgs } from './fast.ts'
import type { TestPlatform } from './platform.ts'

const SRC = join(import.meta.dirname, '../../src')

/** A process of its own that backs up or restores, and kills itself (SIGKILL) some milliseconds after a given step. */
const DYING = `
import { startPlatform } from '${SRC}/cli/platform.ts'
import { createLog } from '${SRC}/kernel/log.ts'
import { backup } from '${SRC}/modules/backup/index.ts'
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

/** Lets a process back `slug` up, or restore the backup `id` into it, until it dies `delay` ms after the step `at`. */
export async function dieAt(
  platform: TestPlatform,
  act: 'back up' | 'restore',
  { slug, id = '', at, delay }: { slug: string; id?: string; at: string; delay: number },
): Promise<void> {
  const child = spawn(process.execPath, moduleArgs(DYING, act, slug, id, at, String(delay)), {
    env: platform.program.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL')
}

/** What another process does once the lease of the dead one is over. */
export async function settle(platform: TestPlatform): Promise<void> {
  await platform.asSuperuser(databases.control, (client) =>
    client.query(`UPDATE backup.backup SET lease_until = now() WHERE state = 'running';
      UPDATE backup.restore SET lease_until = now() WHERE state = 'running'`),
  )
  await (platform.api('backup') as BackupApi).due()
}

/** Gives a tenant 300 rows of `marker` in place of what it had. */
export function fillWith(tenant: Tenant, marker: string): Promise<unknown> {
  return tenant.transaction(async (db) => {
    await db.execute(sql`DELETE FROM tenancy.canary`)
    await db.execute(
      sql`INSERT INTO tenancy.canary (id, marker) SELECT gen_random_uuid(), ${marker} FROM generate_series(1, 300)`,
    )
  })
}
