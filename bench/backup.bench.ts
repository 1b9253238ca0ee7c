import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgresProgram } from '../src/data/local/binaries.ts'
import { databases } from '../src/data/roles.ts'
import { type BackupApi, backup } from '../src/modules/backup/index.ts'
import type { Tenant } from '../src/modules/tenancy/index.ts'
import { proof } from '../src/proof/index.ts'
import { type TestPlatform, testPlatform } from '../test/support/platform.ts'
import { type Print, timeEach } from './compare.ts'

const ROUNDS = 3
const SMALL = 200
/** A row of the table takes this much, so that sizes come out about right. */
const ROW_BYTES = 1_000

const COMPRESSIONS = [
  { level: 9, compression: 'gzip' },
  { level: 1, compression: 'zstd' },
]

/**
 * Our backup against bare `pg_dump` at the same level, in turns: time, processor time of this process and the programs that
 * it starts (without the server's, which also hashes all rows for our manifest), and the memory that our process takes
 * beyond what it had. Then many small tenants in one sweep. `--large`: a tenant of 300 MB instead.
 */
export async function run(print: Print, args: readonly string[]): Promise<void> {
  const large = args.includes('--large')
  for (const { level, compression } of large ? COMPRESSIONS.slice(0, 1) : COMPRESSIONS) {
    const platform = await testPlatform([proof, backup], { backup: { level, compression } })
    try {
      for (const megabytes of large ? [300] : [10, 40])
        await compareWithBare(platform, print, { megabytes, level, compression })
      if (compression === 'gzip' && !large) await sweep(platform, print)
    } finally {
      await platform.stop()
    }
  }
}

interface Contest {
  megabytes: number
  level: number
  compression: string
}

async function compareWithBare(
  platform: TestPlatform,
  print: Print,
  { megabytes, level, compression }: Contest,
): Promise<void> {
  const api = platform.api('backup') as BackupApi
  const tenant = await platform.makeTenant('database')
  await fill(platform, tenant, megabytes)
  const bare = openTimes()
  const ours = openTimes()
  let memory = 0
  for (let round = 0; round < ROUNDS; round++) {
    await bare.take(() => dumpBare(platform, tenant))
    const watched = watchMemory()
    await ours.take(() => api.backUp(tenant.slug))
    memory = Math.max(memory, watched.stop())
  }
  const ratio = (kind: 'wall' | 'cpu') => (median(ours[kind]) / median(bare[kind])).toFixed(2)
  print(
    `${megabytes} MB: bare pg_dump -Fc -Z9 ${median(bare.wall)} ms (${median(bare.cpu)} ms of processor), ours with ${compression} ${level} ${median(ours.wall)} ms (${median(ours.cpu)}): ${ratio('wall')} of the time, ${ratio('cpu')} of the processor; our process ${memory} MB more at its peak; load ${loadavg()[0]?.toFixed(1)}`,
  )
}

function openTimes() {
  const wall: number[] = []
  const cpu: number[] = []
  return {
    wall,
    cpu,
    async take(work: () => Promise<unknown>): Promise<void> {
      const before = processorTime()
      wall.push(...(await timeEach(1, work)))
      cpu.push(processorTime() - before)
    },
  }
}

/** Milliseconds of this process and of the programs that it started and that have ended (proc(5): stat, 14 to 17). */
function processorTime(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
}

/** Half of it compresses well and half hardly, as rows with text and identifiers do. */
async function fill(platform: TestPlatform, tenant: Tenant, megabytes: number): Promise<void> {
  await platform.asSuperuser(tenant.slug, (client) =>
    client.query(
      `INSERT INTO tenancy.canary (tenant_id, id, marker)
       SELECT '${tenant.id}', gen_random_uuid(), repeat('a row of some text ', 24) ||
         (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 14) m)
       FROM generate_series(1, ${Math.round((megabytes * 1_000_000) / ROW_BYTES)}) n;
       ANALYZE`,
    ),
  )
}

async function dumpBare(platform: TestPlatform, { slug }: Tenant): Promise<void> {
  const { host, port, user, password } = platform.stores.migrator.config
  const file = join(tmpdir(), 'bare.dump')
  const args = ['--format=custom', '--compress=9', '--exclude-schema=audit', `--file=${file}`, slug]
  const child = spawn(findPostgresProgram('pg_dump', 15) ?? 'pg_dump', args, {
    env: { PGHOST: String(host), PGPORT: String(port), PGUSER: String(user), PGPASSWORD: String(password) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('pg_dump failed')
  await rm(file)
}

/** Megabytes that this process holds beyond now, at its highest. */
function watchMemory(): { stop(): number } {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let highest = before
  const looking = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss)
  }, 20)
  return {
    stop() {
      clearInterval(looking)
      return Math.round((highest - before) / 1_000_000)
    },
  }
}

async function sweep(platform: TestPlatform, print: Print): Promise<void> {
  const api = platform.api('backup') as BackupApi
  await api.due()
  for (let n = 0; n < SMALL; n++) await platform.makeTenant('rows')
  const [took = 0] = await timeEach(1, async () => {
    const { made, failed } = await api.due()
    if (made !== SMALL || failed > 0) throw new Error(`${made} made, ${failed} failed`)
  })
  const tenant = await platform.makeTenant('database')
  const [bare = 0] = await timeEach(1, async () => {
    for (let n = 0; n < 20; n++) await dumpBare(platform, tenant)
  })
  print(
    `${SMALL} small tenants of ${databases.pool} in one sweep: ${Math.round(took)} ms, ${Math.round(took / SMALL)} ms each; bare pg_dump of a small database ${Math.round(bare / 20)} ms`,
  )
}

const median = (times: readonly number[]) =>
  Math.round(times.toSorted((a, b) => a - b)[times.length >> 1] as number)
