import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { Sealed } from '../../data/secretColumn.ts'
import { systemClock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { canary } from './canary.ts'
import { openDataKeys } from './dataKeys.ts'
import { fileKms } from './fileKms.ts'
import { formatSealed, parseSealed } from './format.ts'
import { vault } from './index.ts'
import { openMasterKeys } from './masterKeys.ts'
import { openSealing, type Refusal, type Sealing } from './vault.ts'

const CONTEXT = ['social_account_id', 'platform']

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([vault])
})
after(() => platform?.stop())

for (const commitment of [false, true]) {
  describe(`sealed texts ${commitment ? 'with' : 'without'} key commitment`, () => {
    const alerts: Refusal[] = []
    const [tenant, other] = [{ id: newId() }, { id: newId() }]
    const row = { socialAccountId: newId(), platform: 'mastodon' }
    let sealing: Sealing
    let rotate: () => Promise<number>

    before(() => {
      const options = {
        database: platform.stores.keys,
        kms: fileKms(platform.stores.secrets, {}),
        ring: `attack ${commitment}`,
        clock: systemClock,
      }
      const keys = openDataKeys({ ...options, usesPerKey: 2 ** 31 })
      rotate = () => openMasterKeys(options).rotate().finally(keys.forget)
      sealing = openSealing({
        keys,
        commitment,
        onRefused: (refusal) => alerts.push(refusal),
      })
      return rotate()
    })

    async function seal(plain = newId(), into: object = row, owner = tenant): Promise<string> {
      const { accessToken } = await sealing.seal(owner, canary, { ...into, accessToken: plain })
      return (accessToken as Sealed).text
    }

    async function refuses(text: string, at: object = row, owner = tenant, key = 'accessToken') {
      alerts.length = 0
      const opening = sealing.open(owner, canary, { ...at, [key]: new Sealed(text, CONTEXT) })
      await assert.rejects(opening, { code: 'vault-refused' })
      assert.equal(alerts.length, 1)
      assert.equal(alerts[0]?.tenantId, owner.id)
    }

    it('open where they belong, whatever was sealed', () =>
      fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 2_000 }), async (plain) => {
          const text = await seal(plain)
          const sealed = { ...row, accessToken: new Sealed(text, CONTEXT) }
          assert.equal((await sealing.open(tenant, canary, sealed)).accessToken, plain)
        }),
      ))

    it('are refused with any bit of any part flipped', async () => {
      const parts = parseSealed(await seal('a secret'))
      assert.ok(parts)
      for (const name of ['iv', 'tag', 'ciphertext'] as const) {
        for (let bit = 0; bit < parts[name].length * 8; bit++) {
          const flipped = Buffer.from(parts[name])
          flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
          await refuses(formatSealed({ ...parts, [name]: flipped }))
        }
      }
    })

    it('are refused with any character changed, added or left out', async () => {
      const text = await seal('a secret')
      const position = fc.nat({ max: text.length - 1 })
      const character = fc.constantFrom(...'ABCghi019_-:=+/ v\n')
      await fc.assert(
        fc.asyncProperty(position, character, fc.constantFrom(0, 1), async (at, inserted, removed) => {
          const changed = text.slice(0, at) + inserted + text.slice(at + removed)
          fc.pre(changed !== text)
          await refuses(changed)
        }),
      )
      for (let length = 0; length < text.length; length++) await refuses(text.slice(0, length))
    })

    it('are refused with a shortened tag', async () => {
      const parts = parseSealed(await seal('a secret'))
      assert.ok(parts)
      for (let length = 0; length < 16; length++)
        await refuses(formatSealed({ ...parts, tag: parts.tag.subarray(0, length) }))
    })

    it('are refused with parts of another', async () => {
      const [a, b] = [parseSealed(await seal('a secret')), parseSealed(await seal('b secret'))]
      assert.ok(a && b)
      for (const name of ['iv', 'tag', 'ciphertext'] as const)
        await refuses(formatSealed({ ...a, [name]: b[name] }))
    })

    it('are refused anywhere else', async () => {
      const text = await seal('a secret')
      await seal('so that the other tenant has a key', row, other)
      await refuses(text, row, other)
      await refuses(text, { ...row, socialAccountId: newId() })
      await refuses(text, { ...row, platform: 'bluesky' })
      await refuses(text, row, tenant, 'refreshToken')
    })

    it('are refused under another version', async () => {
      const text = await seal('a secret')
      await refuses(text.replace('v1:', 'v2:'))
      await rotate()
      const newer = await seal('another')
      assert.match(newer, /^v2:/)
      await refuses(text.replace('v1:', 'v2:'))
      await refuses(newer.replace('v2:', 'v1:'))
    })

    it('are never made for a row that is not told apart from others', async () => {
      for (const context of [
        { socialAccountId: newId() },
        { ...row, platform: 'a:b' },
        { ...row, platform: '' },
        { ...row, platform: null },
      ])
        await assert.rejects(seal('a secret', context), { code: 'vault-context' })
    })
  })
}
