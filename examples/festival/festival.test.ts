import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Tenant } from '../../src/index.ts'
import { api } from '../../src/modules/api/index.ts'
import { type EdgeApi, edge } from '../../src/modules/edge/index.ts'
import type { ProofApi } from '../../src/proof/api.ts'
import { proof } from '../../src/proof/index.ts'
import { type TestPlatform, testPlatform } from '../../test/support/platform.ts'
import { proveBySabotage } from '../../test/support/sabotage.ts'
import { seedDemo } from './demo.ts'
import { importLineup } from './importLineup.ts'
import { festival } from './index.ts'
import { readCsv } from './readCsv.ts'

describe('a festival', () => {
  let platform: TestPlatform
  let door: EdgeApi
  const tenants: Record<string, Tenant> = {}
  const get = async (tenant: Tenant, path: string, headers: Record<string, string> = {}) =>
    door.request({ host: tenant.hosts[0] as string, path, headers })

  before(async () => {
    platform = await testPlatform([proof, edge, api, festival])
    await platform.serve()
    door = platform.api('edge') as EdgeApi
    for (const model of ['rows', 'database'] as const) {
      const tenant = await platform.makeTenant(model)
      await seedDemo(tenant)
      tenants[model] = tenant
    }
  })
  after(() => platform?.stop())

  for (const model of ['rows', 'database'] as const) {
    it(`${model}: publishes its line-up, in order, and nothing unpublished`, async () => {
      const { status, body } = await get(tenants[model] as Tenant, '/api/v1/performances')
      const shown = JSON.parse(body) as { artist: string; startsAt: string }[]
      assert.deepEqual([status, shown.length], [200, model === 'database' ? 11 : 8])
      assert.deepEqual(
        shown.map(({ startsAt }) => startsAt),
        shown.map(({ startsAt }) => startsAt).sort(),
      )
      assert.doesNotMatch(body, /Überraschungsgast/)
    })

    it(`${model}: seeding again changes nothing`, async () => {
      const lists = ['artists', 'venues', 'stages', 'sponsors', 'performances']
      const all = () =>
        Promise.all(lists.map(async (list) => (await get(tenants[model] as Tenant, `/api/v1/${list}`)).body))
      const first = await all()
      await seedDemo(tenants[model] as Tenant)
      assert.deepEqual(await all(), first)
    })
  }

  it('shows its page in the reader’s language', async () => {
    const german = await get(tenants.database as Tenant, '/', { 'accept-language': 'de' })
    assert.match(german.body, /<html lang="de">.*Freitag, 16\. Juli.*Hafenbühne.*17:00–18:00/s)
    assert.match((await get(tenants.database as Tenant, '/')).body, /Friday, July 16/)
  })

  it('shows an empty line-up kindly', async () => {
    const { status, body } = await get(await platform.makeTenant('rows'), '/')
    assert.equal(status, 200)
    assert.match(body, /The line-up is coming soon/)
  })

  it('serves a sponsor’s picture, with a type and no script allowed', async () => {
    const tenant = tenants.rows as Tenant
    const [sponsor] = JSON.parse((await get(tenant, '/api/v1/sponsors')).body)
    const { status, headers, body } = await get(tenant, `/api/v1/sponsors/${sponsor.id}/picture`)
    assert.deepEqual([status, headers['content-type']], [200, 'image/svg+xml'])
    assert.match(String(headers['content-security-policy']), /default-src 'none'/)
    assert.match(body, /^<svg/)
  })

  it('pages through a list', async () => {
    const tenant = tenants.rows as Tenant
    const names: string[] = []
    for (let after = ''; ; ) {
      const { body } = await get(tenant, `/api/v1/artists?limit=3${after && `&after=${after}`}`)
      const page = JSON.parse(body) as { id: string; name: string }[]
      names.push(...page.map(({ name }) => name))
      if (page.length < 3) break
      after = page.at(-1)?.id as string
    }
    assert.equal(new Set(names).size, 8)
  })

  it('imports all of a line-up or nothing', async () => {
    const tenant = await platform.makeTenant('rows')
    const rows = readCsv(readFileSync(new URL('./data/lineup.csv', import.meta.url), 'utf8'))
    const broken = rows.map((row, i) => (i === 11 ? { ...row, endsAt: row.startsAt } : row))
    await assert.rejects(importLineup(tenant, broken))
    assert.equal((await get(tenant, '/api/v1/artists')).body, '[]')
  })

  it('festival.lineup.published goes red when the unpublished is shown', () => {
    const inPool = (sql: string) => platform.asSuperuser('surety_pool', (client) => client.query(sql))
    return proveBySabotage(platform.api('proof') as ProofApi, 'festival.lineup.published', {
      sabotage: () =>
        inPool(`CREATE FUNCTION publish() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN NEW.published := true; RETURN NEW; END';
          CREATE TRIGGER publish BEFORE INSERT OR UPDATE ON performance FOR EACH ROW EXECUTE FUNCTION publish()`),
      repair: () => inPool('DROP TRIGGER publish ON performance; DROP FUNCTION publish()'),
      seen: /rows: the unpublished one is seen/,
    })
  })
})
