import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { wayToDisk } from '../handOver.ts'
import { type SigningApi, signing } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, signing])
})
after(() => platform?.stop())

it('build.signing.nodisk goes red when a keystore is written to a file', {
  skip: wayToDisk() ?? false,
}, () => {
  const api = platform.api('signing') as SigningApi
  const whole = api.handOver
  const folder = mkdtempSync(join(tmpdir(), 'unsafe-'))
  return proveBySabotage(platform.api('proof') as ProofApi, 'build.signing.nodisk', {
    sabotage: async () => {
      api.handOver = async (materials, tool) => {
        for (const { name, content } of materials) writeFileSync(join(folder, name), content)
        return whole(materials, tool)
      }
    },
    repair: async () => {
      api.handOver = whole
      rmSync(folder, { recursive: true })
    },
    seen: /temporary and data folders/,
  })
})
