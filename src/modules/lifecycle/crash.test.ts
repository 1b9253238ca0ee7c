import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { moduleArgs } from '../../../test/support/fast.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { type IdentityApi, tenantRealm } from '../identity/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type VaultApi, vault } from '../vault/index.ts'
import { type LifecycleApi, lifecycle } from './index.ts'

/** Every call that an erasure makes outside its own ledger, in order. */
const STEPS = [
  'tenancy.erasing.begin',
  'tenancy.erasing.close',
  'jobs.forget',
  'vault.destroy',
  'tenancy.erasing.dropStore',
  'tenancy.erasing.dropFiles',
  'tenancy.erasing.dropCache',
  'tenancy.erasing.deregister',
  'proof.append',
] as const

/** Those that take long enough to be killed in the middle. */
const LONG: readonly string[] = [
  'tenancy.erasing.close',
  'tenancy.erasing.dropStore',
  'tenancy.erasing.dropFiles',
]

/** A tenant with a database of its own differs from others in these; the rest need not be killed once more. */
const OF_A_DATABASE: readonly string[] = ['tenancy.erasing.close', 'tenancy.erasing.dropStore']

/**
 * A process of its own that erases a tenant and is killed at one step: before it, while it runs (a few milliseconds in), or
 * when it is done and nobody has noted it yet.
 */
const ERASING = `
import { startPlatform } from '${join(import.meta.dirname, '../../cli/platform.ts')}'
import { createLog } from '${join(import.meta.dirname, '../../kernel/log.ts')}'
import { lifecycle } from '${join(import.meta.dirname, 'index.ts')}'
import { jobs } from '${join(import.meta.dirname, '../jobs/index.ts')}'
import { vault } from '${join(import.meta.dirname, '../vault/index.ts')}'
const [slug, step, moment, delay] = process.argv.slice(1)
const platform = await startPlatform({ log: createLog({ name: 'child', level: 'silent' }), environment: process.env })
const die = () => process.kill(process.pid, 'SIGKILL')
const apis = { tenancy: platform.tenancy, proof: platform.proof, jobs: platform.api(jobs), vault: platform.api(vault) }
const names = step.split('.')
const method = names.pop()
const owner = names.reduce((found, name) => found[name], apis)
const real = owner[method]
owner[method] = async (...args) => {
  if (moment === 'before') die()
  if (moment === 'during') setTimeout(die, Number(delay))
  const result = await real(...args)
  die()
  await new Promise(() => {})
}
const api = platform.api(lifecycle)
await api.sweep(new Date(Date.now() + 91 * 86400000), slug)
process.stdout.write('not killed')`

const LATE = 91 * 86_400_000

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([vault, lifecycle])
})
after(() => platform?.stop())

const api = () => platform.api('lifecycle') as LifecycleApi

async function makeFull(model: 'rows' | 'database'): Promise<Tenant> {
  const tenant = await platform.makeTenant(model)
  const person = { email: 'mia@example.org', name: 'Mia', role: 'owner', password: null }
  await (platform.api('identity') as IdentityApi).people.add(tenantRealm(tenant), person)
  await tenant.transaction((db) =>
    db.execute(
      sql`INSERT INTO tenancy.canary (id, marker) SELECT gen_random_uuid(), 'row' FROM generate_series(1, 300)`,
    ),
  )
  await Promise.all(
    Array.from({ length: 30 }, (_, n) => tenant.files.write(`pictures/${n}`, [Buffer.from('x')])),
  )
  await platform.stores.redis.set(tenant.cache.key('page'), 'x')
  await (platform.api('vault') as VaultApi).backupKey(tenant)
  return tenant
}

/** Everything that a tenant has, to be compared. */
async function inventory(tenant: Tenant): Promise<unknown> {
  const { rows } = await tenant.transaction((db) =>
    db.execute(
      sql`SELECT (SELECT count(*) FROM tenancy.canary) AS canaries, (SELECT count(*) FROM identity.person) AS people`,
    ),
  )
  const { keyId } = await (platform.api('vault') as VaultApi).backupKey(tenant)
  return [rows, await tenant.files.list(), await platform.stores.redis.get(tenant.cache.key('page')), keyId]
}

async function killAt(tenant: Tenant, step: string, moment: string): Promise<void> {
  const child = spawn(
    process.execPath,
    moduleArgs(ERASING, tenant.slug, step, moment, String(Math.floor(Math.random() * 8))),
    { env: platform.program.env, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL', `${step}, ${moment}`)
}

for (const model of ['rows', 'database'] as const) {
  it(`${model}: an erasure that is killed anywhere ends whole, once, and touches nobody else`, {
    timeout: 900_000,
  }, async (context) => {
    const bystander = await makeFull(model)
    const before = await inventory(bystander)
    let kills = 0
    const steps = STEPS.filter((step) => model === 'rows' || OF_A_DATABASE.includes(step))
    for (const step of steps) {
      for (const moment of LONG.includes(step) ? ['before', 'during', 'after'] : ['before', 'after']) {
        const tenant = await makeFull(model)
        const whole = await inventory(tenant)
        await api().suspend(tenant.slug)
        await killAt(tenant, step, moment)
        kills += 1
        const line = (await api().erasures()).find(({ id }) => id === tenant.id)
        if (!line) {
          // Killed before the point of no return: nothing happened.
          assert.deepEqual(await inventory(await platform.tenancy.bySlug(tenant.slug)), whole)
          await api().sweep(new Date(Date.now() + LATE), tenant.slug)
        } else await api().resume()
        const where = `${step}, ${moment}`
        const closed = { ...tenant, database: model === 'rows' ? databases.pool : tenant.slug }
        assert.deepEqual(await platform.tenancy.erasing.remains(closed), [], where)
        await assert.rejects((platform.api('vault') as VaultApi).backupKey(tenant), {
          code: 'vault-destroyed',
        })
        const { record, commitment } = await recordOf(tenant)
        assert.ok(record !== null, where)
        const records = await platform.stores.control.query('SELECT FROM proof.entry WHERE subject = $1', [
          `erasure ${commitment}`,
        ])
        assert.equal(records.length, 1, `records of one erasure: ${where}`)
      }
    }
    assert.deepEqual(await inventory(bystander), before)
    context.diagnostic(
      `${steps.length} steps, ${kills} kills (before and after each, in the middle of long ones), 0 left halfway, 0 recorded twice, nobody else touched`,
    )
  })
}

it('a suspension that is killed between the registry and the store is mended by the next sweep', async (context) => {
  let kills = 0
  for (const model of ['rows', 'database'] as const) {
    const tenant = await platform.makeTenant(model)
    // What a process leaves that is killed after the first of the two transactions.
    await platform.asSuperuser(databases.control, (client) =>
      client.query(
        `UPDATE tenancy.tenant SET state = 'suspended', suspended_at = now(), settled = false WHERE id = $1`,
        [tenant.id],
      ),
    )
    kills += 1
    await platform.tenancy.settle()
    const change = sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'late')`
    await assert.rejects(
      tenant.transaction((db) => db.execute(change)),
      { code: 'tenant-read-only' },
    )
  }
  context.diagnostic(`${kills} states as after a kill, ${kills} mended`)
})

async function recordOf({ id }: Tenant): Promise<{ record: number | null; commitment: string }> {
  const line = (await api().erasures()).find((erasure) => erasure.id === id)
  return { record: line?.record ?? null, commitment: (await api().receipt(id)).commitment }
}
