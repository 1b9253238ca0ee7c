import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, it } from 'node:test'
import { festival } from '../../../examples/festival/index.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { platformModules } from '../../cli/platform.ts'
import { newId } from '../../kernel/ids.ts'
import type { Tenant } from '../tenancy/index.ts'
import { canary } from './canary.ts'
import type { VaultApi } from './index.ts'

/** More than one batch. */
const ROWS = 1_200

let platform: TestPlatform
let api: VaultApi
before(async () => {
  platform = await testPlatform([...platformModules, festival])
  api = platform.api('vault') as VaultApi
})
after(() => platform?.stop())

async function fill(tenant: Tenant, count: number): Promise<void> {
  const rows = await Promise.all(
    Array.from({ length: count }, () => {
      const socialAccountId = newId()
      return api.seal(tenant, canary, {
        socialAccountId,
        platform: 'x',
        accessToken: `token ${socialAccountId}`,
      })
    }),
  )
  await tenant.transaction((db) => db.insert(canary).values(rows))
}

async function versions(tenant: Tenant): Promise<string[]> {
  const rows = await tenant.transaction((db) => db.select().from(canary))
  for (const row of rows)
    assert.equal((await api.open(tenant, canary, row)).accessToken, `token ${row.socialAccountId}`)
  return [...new Set(rows.map(({ accessToken }) => String(accessToken?.text.split(':')[0])))].sort()
}

function surety(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...platform.program.args, ...args], {
    // Other tests leave tables of the example in the stores; a rewrap wants to know every sealed column.
    env: { ...platform.program.env, SURETY_APP: 'examples/festival/app.ts' } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function outputOf(child: ChildProcess): Promise<{ code: number; output: string }> {
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  return { code, output }
}

it('a rewrap that is killed anywhere is simply run again', { timeout: 300_000 }, async () => {
  const [own, pooled, gone] = [
    await platform.makeTenant('database'),
    await platform.makeTenant('rows'),
    await platform.makeTenant('rows'),
  ]
  for (const tenant of [own, pooled]) await fill(tenant, ROWS)
  await fill(gone, 1)
  await api.destroy(gone)
  await platform.tenancy.setState(pooled.slug, 'suspended')
  assert.match((await outputOf(surety('keys', 'rotate'))).output, /v2 is the current master key/)
  const killed = surety('keys', 'rewrap')
  for await (const chunk of killed.stdout as AsyncIterable<Buffer>)
    if (/access_token [1-9]\d* sealed anew/.test(String(chunk))) killed.kill('SIGKILL')
  await fill(own, 1)
  const again = await outputOf(surety('keys', 'rewrap'))
  assert.equal(again.code, 0)
  assert.deepEqual(await versions(own), ['v2'])
  assert.deepEqual(await versions(pooled), ['v2'])
  const { output } = await outputOf(surety('keys', 'status'))
  assert.match(output, /master key v1 .* wraps 0 data keys not needed/)
  assert.match(output, /master key v2 .* current/)
  assert.match(output, /vault\.canary\.access_token +v1 \d+\n/, 'what was destroyed stays as it is')
})

it('a secret that does not open is left, counted, and no reason to stop', async () => {
  const tenant = await platform.makeTenant('rows')
  await fill(tenant, 3)
  await platform.asSuperuser('surety_pool', (client) =>
    client.query(
      `UPDATE vault.canary SET access_token = regexp_replace(access_token, '^v2:.{4}', 'v2:AAAA')
       WHERE ctid = (SELECT min(ctid) FROM vault.canary WHERE tenant_id = $1)`,
      [tenant.id],
    ),
  )
  assert.equal(await api.keys.rotate(), 3)
  const left = new Map<string, number>()
  await api.keys.rewrap((progress) => {
    if (progress.step === 'secrets') left.set(`${progress.database} ${progress.field}`, progress.left)
  })
  assert.equal(left.get('surety_pool vault.canary.access_token'), 1)
})

it('a rewrap also brings key commitment to what was sealed without', async () => {
  const { slug } = await platform.makeTenant('rows')
  await fill(await platform.tenancy.bySlug(slug), 2)
  await platform.stop()
  platform = await testPlatform([...platformModules, festival], { vault: { commitment: true } })
  api = platform.api('vault') as VaultApi
  const tenant = await platform.tenancy.bySlug(slug)
  await api.keys.rewrap(() => undefined)
  await versions(tenant)
  const rows = await tenant.transaction((db) => db.select().from(canary))
  for (const { accessToken } of rows) assert.match(String(accessToken?.text), /^v\d+:[\w-]{32}:/)
})
