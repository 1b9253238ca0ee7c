import { after, before, it } from 'node:test'

import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type TelemetryApi, telemetry } from '../index.ts'

let platform: TestPlatform
let parts: TelemetryApi
before(async () => {
  platform = await testPlatform([proof, telemetry])
  parts = platform.api('telemetry') as TelemetryApi
})
after(() => platform?.stop())

const sabotage = (steps: Parameters<typeof proveBySabotage>[2]) =>
  proveBySabotage(platform.api('proof') as ProofApi, 'pseudonym.analytics', steps)

it('pseudonym.analytics goes red when the id is only written differently', () => {
  const { nameFor } = parts.analytics
  return sabotage({
    sabotage: async () =>
      (parts.analytics.nameFor = async ({ personId }) =>
        Buffer.from(personId.replaceAll('-', ''), 'hex').toString('base64url')),
    repair: async () => (parts.analytics.nameFor = nameFor),
    seen: /stand in what was kept/,
  })
})

it('pseudonym.analytics goes red when keys of the past are kept', () =>
  sabotage({
    sabotage: () =>
      platform.stores.control.query('INSERT INTO telemetry.analytics_key (period, key) VALUES (1, $1)', [
        Buffer.alloc(32),
      ]),
    repair: () => parts.analytics.forget(),
    seen: /past periods/,
  }))
