import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { backup } from '../index.ts'

const file = join(tmpdir(), 'snapshots.json')
/** As `hcloud image list --type snapshot --output json` writes it. */
const listNewest = (hoursAgo: number) =>
  writeFile(
    file,
    JSON.stringify(
      [hoursAgo, hoursAgo + 24].map((hours, id) => ({
        id,
        type: 'snapshot',
        created: new Date(Date.now() - hours * 3_600_000).toISOString(),
      })),
    ),
  )

let platform: TestPlatform
before(async () => {
  await listNewest(5)
  platform = await testPlatform([proof, backup], {
    backup: { mode: 'snapshot', every: '24h', snapshotListFileName: file },
  })
})
after(() => platform?.stop())

it('backup.snapshot goes red when the provider stops taking snapshots', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'backup.snapshot', {
    sabotage: () => listNewest(27),
    repair: () => listNewest(5),
    seen: /younger than interval and grace/,
  }))
