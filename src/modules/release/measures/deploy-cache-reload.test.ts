import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'
import type { TelemetryApi } from '../../telemetry/index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules, { release: { reloadWithin: '2m' } })
})
after(() => platform?.stop())

it('deploy.cache.reload goes red when a process was not restarted', { timeout: 300_000 }, () => {
  const { processesOf } = platform.api('telemetry') as TelemetryApi
  // This very process, which is there, as one that was started before the last deployment.
  const forgotten = { kind: 'serve', host: hostname(), pid: process.pid, build: 'yesterday' }
  return proveBySabotage(platform.api('proof') as ProofApi, 'deploy.cache.reload', {
    sabotage: () => processesOf().beat(forgotten),
    repair: () => processesOf().leave(forgotten),
    seen: /another build than the one on the disk/,
  })
})

it('deploy.cache.reload goes red when processes are ended at what they do', {
  timeout: 300_000,
}, async () => {
  const source = `process.on('SIGTERM',()=>process.kill(process.pid,'SIGKILL'))`
  platform.program.args.unshift('--import', `data:text/javascript,${encodeURIComponent(source)}`)
  const { outcome, checks } = await (platform.api('proof') as ProofApi).run('deploy.cache.reload')
  assert.equal(outcome, 'failed')
  assert.deepEqual(
    checks.flatMap(({ ok, what }) => (ok ? [] : [what])),
    ['answer to the request that was under way'],
  )
})
