import { after, before } from 'node:test'
import { edge } from '../../src/modules/edge/index.ts'
import { identity } from '../../src/modules/identity/index.ts'
import type { LimitParts } from '../../src/modules/limits/guard.ts'
import { limits } from '../../src/modules/limits/index.ts'
import type { ProofApi } from '../../src/proof/api.ts'
import { proof } from '../../src/proof/index.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { proveBySabotage } from './sabotage.ts'

/** Limits that answer HTTP, for the length of a test file. */
export interface TestLimits {
  parts(): LimitParts
  platform(): TestPlatform
  /** `proveBySabotage` for functions of `parts` that a test replaces. */
  prove(key: string, sabotage: () => unknown, repair: () => unknown, seen: RegExp): Promise<void>
}

/** To be called once, at the top of the file. `settings` are those of the module. */
export function testLimits(settings: object = {}): TestLimits {
  let platform: TestPlatform
  before(async () => {
    platform = await testPlatform([proof, edge, limits, identity], { limits: { ...settings } })
    await platform.serve()
  })
  after(() => platform?.stop())
  return {
    parts: () => platform.api('limits') as LimitParts,
    platform: () => platform,
    prove: (key, sabotage, repair, seen) =>
      proveBySabotage(platform.api('proof') as ProofApi, key, {
        sabotage: async () => sabotage(),
        repair: async () => repair(),
        seen,
      }),
  }
}
