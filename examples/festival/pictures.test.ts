import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, it } from 'node:test'
import { api } from '../../src/modules/api/index.ts'
import { edge } from '../../src/modules/edge/index.ts'
import { organiserOf } from '../../test/support/organiser.ts'
import { type TestPlatform, testPlatform } from '../../test/support/platform.ts'
import { seedDemo } from './demo.ts'
import { festival } from './index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([edge, api, festival])
  await platform.serve()
})
after(() => platform?.stop())

/** The beginning of a PNG, which says how large it is. */
function png(width: number, height: number): Buffer {
  const size = Buffer.alloc(8)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(height, 4)
  const header = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
  return Buffer.concat([header, size, Buffer.from('0806000000', 'hex')])
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

for (const model of ['rows', 'database'] as const) {
  it(`${model}: a sponsor's picture is looked at, kept, and shown in its size`, async () => {
    const tenant = await platform.makeTenant(model)
    await seedDemo(tenant)
    const ask = await organiserOf(platform, tenant)
    const sponsors = async () => JSON.parse((await ask('GET', '/api/v1/sponsors')).body)
    const [{ id }] = await sponsors()
    const before = await tenant.files.list()
    const picture = png(640, 320)
    const put = (type: string, body: Buffer) => ask('PUT', `/api/v1/sponsors/${id}/picture`, { type, body })
    const kept = await put('image/png', picture)
    assert.deepEqual([kept.status, JSON.parse(kept.body)], [200, { type: 'png', width: 640, height: 320 }])
    const [{ pictureWidth, pictureHeight }] = await sponsors()
    assert.deepEqual([pictureWidth, pictureHeight], [640, 320])
    const shown = await ask('GET', `/api/v1/sponsors/${id}/picture`)
    assert.deepEqual([shown.headers['content-type'], sha256(shown.bytes)], ['image/png', sha256(picture)])
    assert.match((await ask('GET', '/')).body, /height="48" width="96"/)
    const after = await tenant.files.list()
    assert.equal(after.length, before.length, 'the picture before it is gone')
    assert.equal((await put('image/png', picture)).status, 200, 'the same picture again')
    assert.deepEqual(await tenant.files.list(), after)

    for (const [what, type, body, status, code] of [
      ['no picture', 'image/png', Buffer.from('no picture'), 422, 'picture-invalid'],
      ['another kind', 'image/png', Buffer.from('47494638396101000100', 'hex'), 422, 'picture-invalid'],
      ['one that is huge', 'image/png', png(60_000, 60_000), 422, 'picture-invalid'],
      ['one without size', 'image/png', png(0, 0), 422, 'sandbox-answer'],
      ['one that is heavy', 'image/png', Buffer.alloc(6_000_000), 413, undefined],
      ['another type', 'image/gif', picture, 415, undefined],
      ['JSON', 'application/json', Buffer.from('{}'), 400, undefined],
    ] as const) {
      const refused = await put(type, body)
      assert.equal(refused.status, status, `${what}: ${refused.body}`)
      if (code) assert.equal(JSON.parse(refused.body).code, code, what)
    }
    assert.deepEqual(await tenant.files.list(), after, 'nothing was stored')
    const stranger = await ask('PUT', '/api/v1/sponsors/0190c2a0-0000-7000-8000-000000000000/picture', {
      type: 'image/png',
      body: picture,
    })
    assert.equal(stranger.status, 404)
  })
}
