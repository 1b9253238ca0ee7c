import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { appliedMigrations } from '../../data/migrate.ts'
import type { AsMigrator } from '../../data/migrator.ts'
import { databases } from '../../data/roles.ts'
import { migrateTenantStores } from './store.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform()
})
after(() => platform?.stop())

it('tenants may be made and erased while stores are migrated', async () => {
  const { asMigrator } = platform.stores
  const erased = await platform.makeTenant('database')
  const slugs = [(await platform.makeTenant('database')).slug]
  const run: AsMigrator = async (reason, work, database) => {
    if (database === databases.template) slugs.push((await platform.makeTenant('database')).slug)
    if (database === erased.slug)
      await platform.asSuperuser('postgres', (client) => client.query(`DROP DATABASE ${erased.slug}`))
    return asMigrator(reason, work, database)
  }
  const news = { name: 'trial/0001-nothing.sql', sql: 'SELECT 1', sha256: '0' }
  const told: string[] = []
  await migrateTenantStores({ run }, [news], Buffer.alloc(32), (done, total, database) => {
    assert.equal(done === total, database === '')
    told.push(database)
  })
  assert.ok(slugs.length === 2 && slugs.every((slug) => told.includes(slug)))
  for (const database of [databases.pool, databases.template, ...slugs])
    assert.ok((await asMigrator('look', appliedMigrations, database)).includes(news.name), database)
})

it('what fails in a database that is there fails', async () => {
  const { slug } = await platform.makeTenant('database')
  const { asMigrator } = platform.stores
  const run: AsMigrator = (reason, work, database) =>
    database === slug ? Promise.reject(new Error('torn')) : asMigrator(reason, work, database)
  await assert.rejects(
    migrateTenantStores({ run }, [], Buffer.alloc(32), () => undefined),
    /torn/,
  )
})
