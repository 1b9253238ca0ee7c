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
  proveBySabotage(platform.api('proof') as ProofApi, 'monitor.operations', steps)

it('monitor.operations goes red when nobody is told', () => {
  const { tell } = parts.alerts
  return sabotage({
    sabotage: async () => (parts.alerts.tell = async () => undefined),
    repair: async () => (parts.alerts.tell = tell),
    seen: /once it is missing/,
  })
})

it('monitor.operations goes red when an alert does not end', () => {
  const { clear } = parts.alerts
  return sabotage({
    sabotage: async () => (parts.alerts.clear = async () => undefined),
    repair: async () => (parts.alerts.clear = clear),
    seen: /when it is back/,
  })
})
