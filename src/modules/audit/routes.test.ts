import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import { proof } from '../../proof/index.ts'
import type { EdgeApi } from '../edge/index.ts'
import { type IdentityApi, tenantRealm } from '../identity/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { audit } from './index.ts'
import type { TrailEntry } from './trail.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, audit])
  await platform.serve()
})
after(() => platform?.stop())

async function signIn(tenant: Tenant, role: string) {
  const { people, sessions } = platform.api('identity') as IdentityApi
  const realm = tenantRealm(tenant)
  const email = `${newId()}@a.example`
  const id = await people.add(realm, { email, name: role, role, password: `long enough ${newId()}` })
  const password = await people.passwordHashOf(realm, id)
  const { access } = await sessions.begin(realm, { id, password }, { device: 'test', factors: ['pwd'] })
  const get = (path: string) =>
    (platform.api('edge') as EdgeApi).request({
      host: tenant.hosts[0] as string,
      path,
      headers: { authorization: `Bearer ${access}` },
    })
  return { id, get }
}

for (const model of ['rows', 'database'] as const)
  test(`${model}: a tenant reads its own trail by filter, in pages and as a whole`, async () => {
    const [own, other] = [await platform.makeTenant(model), await platform.makeTenant(model)]
    const owner = await signIn(own, 'owner')
    for (const [tenant, marker] of [
      [own, 'ours'],
      [other, 'theirs'],
    ] as const)
      for (let n = 0; n < 5; n++)
        await tenant
          .as({ kind: 'member', id: owner.id })
          .transaction((db) =>
            db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${newId()}, ${marker})`),
          )
    const filter = `who=member:${owner.id}&act=INSERT&target=tenancy.canary`
    const seen: TrailEntry[] = []
    let cursor = ''
    do {
      const answer = await owner.get(`/api/v1/audit?${filter}&limit=2${cursor}`)
      assert.equal(answer.status, 200, answer.body)
      const { entries, next } = JSON.parse(answer.body) as { entries: TrailEntry[]; next: string | null }
      seen.push(...entries)
      cursor = next ? `&cursor=${next}` : ''
    } while (cursor)
    assert.deepEqual(
      seen.map(({ after }) => after?.marker),
      Array(5).fill('ours'),
    )
    assert.equal(new Set(seen.map(({ id }) => id)).size, 5)
    const byRow = await owner.get(`/api/v1/audit?row=${seen[0]?.after?.id}`)
    assert.equal((JSON.parse(byRow.body) as { entries: unknown[] }).entries.length, 1)

    const exported = await owner.get('/api/v1/audit/export')
    const lines = exported.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TrailEntry)
    assert.equal(lines[0]?.act, 'audit.export')
    assert.equal(lines[0]?.who, `member:${owner.id}`)
    assert.ok(lines.length > 5)
    assert.ok(!exported.body.includes('theirs'))
    assert.equal((await owner.get('/api/v1/audit?cursor=nonsense')).status, 400)
    assert.equal((await (await signIn(own, 'editor')).get('/api/v1/audit')).status, 403)

    await platform.tenancy.setState(own.slug, 'suspended')
    const whileSuspended = await owner.get('/api/v1/audit/export')
    assert.equal(whileSuspended.status, 200, whileSuspended.body)
    assert.match(whileSuspended.body, /^\{[^\n]*"act":"audit.export"/)
  })
