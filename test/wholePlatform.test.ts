import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { festival } from '../examples/festival/index.ts'
import { platformModules } from '../src/cli/platform.ts'
import type { BackupApi } from '../src/modules/backup/index.ts'
import type { ProofApi } from '../src/proof/api.ts'
import type { Outcome } from '../src/proof/measure.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

/** These start processes with all modules themselves, and their own tests do so too. */
const ELSEWHERE = [
  ...['cache.aof', 'job.retry', 'worker.autorestart', 'shutdown.graceful', 'shutdown.cap'],
  ...['restore.drill', 'restore.drill.surface', 'dr.rto', 'restore.runbook', 'mollie.keymode'],
  ...['release.rollback', 'deploy.cache.reload'],
]

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([...platformModules, festival])
  platform.program.env.SURETY_APP = join(import.meta.dirname, '../examples/festival/app.ts')
  await platform.serve()
  await (platform.api('backup') as BackupApi).due()
})
after(() => platform?.stop())

it('with all modules and an app, no probe is red', { timeout: 300_000 }, async (context) => {
  const proof = platform.api('proof') as ProofApi
  const totals: Partial<Record<Outcome, number>> = {}
  const red: string[] = []
  for (const { key } of proof.measures()) {
    if (ELSEWHERE.includes(key)) continue
    const { outcome, reason, checks } = await proof.run(key)
    totals[outcome] = (totals[outcome] ?? 0) + 1
    if (outcome !== 'failed' && outcome !== 'error') continue
    const wrong = checks.filter(({ ok }) => !ok)
    red.push(
      `${key}: ${reason}; ${wrong.map(({ what, observed }) => `${what}: ${JSON.stringify(observed)}`)}`,
    )
  }
  context.diagnostic(JSON.stringify(totals))
  assert.deepEqual(red, [])
})
