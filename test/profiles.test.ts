import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { profiles } from '../profiles/index.ts'
import { platformModules } from '../src/cli/platform.ts'
import { loadSettings } from '../src/kernel/settings.ts'
import type { ProofApi } from '../src/proof/api.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const environment = {
  SURETY_STORES__HOST: '/run/postgres',
  SURETY_STORES__SECRETS: '/run/secrets',
  SURETY_STORES__FILES: '/var/lib/surety',
  SURETY_STORES__APP_PASSWORD_FILE_NAME: '/run/secrets/app-password',
  SURETY_STORES__REDIS_SOCKET: '/run/redis.sock',
}

describe('the profiles', () => {
  let platform: TestPlatform
  before(async () => {
    platform = await testPlatform(platformModules)
  })
  after(() => platform?.stop())

  it('claim 232 sentences together', () =>
    assert.equal(
      profiles.reduce((sum, { claims }) => sum + Object.keys(claims).length, 0),
      232,
    ))

  for (const { name, settings, claims } of profiles) {
    it(`${name}: its settings fit together`, () => {
      const tree = loadSettings(platformModules, { profile: settings, environment })
      for (const [module, values] of Object.entries(settings))
        for (const setting of Object.keys(values)) assert.ok(setting in (tree[module] ?? {}))
    })

    it(`${name}: every measure that says it proves a row of it is what the row names`, () => {
      const measures = (platform.api('proof') as ProofApi).measures()
      const rows = new Map(Object.entries(claims))
      for (const { key, sources } of measures)
        for (const source of sources.filter((row) => rows.has(row))) assert.equal(rows.get(source), key)
      const proven = measures.filter(({ key }) => Object.values(claims).includes(key))
      for (const { key, sources } of proven)
        assert.ok(
          sources.some((row) => rows.has(row)),
          `${key} does not name its row of ${name}`,
        )
    })
  }
})
