import type { Command } from 'commander'
import { type BackupApi, backup } from '../modules/backup/index.ts'
import { addClusterCommands } from './cluster.ts'
import { withPlatform } from './tenant.ts'

/** `surety backup …`: make, list. */
export function addBackupCommands(program: Command): void {
  const group = program.command('backup').description('encrypted backups of tenants')
  group
    .command('now')
    .description('back up one tenant, or all that are due')
    .argument('[slug]')
    .action((slug?: string) =>
      withBackups((api) => (slug === undefined ? backUpDue(api) : backUpOne(api, slug))),
    )
  group
    .command('list')
    .description('available backups, newest first')
    .argument('[slug]', 'of this tenant only')
    .action((slug?: string) => withBackups((api) => listBackups(api, slug)))
  addClusterCommands(group)
}

const withBackups = (work: (api: BackupApi) => Promise<void>) =>
  withPlatform((platform) => work(platform.api(backup)))

async function backUpOne(api: BackupApi, slug: string): Promise<void> {
  const { id, bytes } = await api.backUp(slug, (step) => console.log(step))
  console.log(`${id}  ${bytes} bytes`)
}

async function backUpDue(api: BackupApi): Promise<void> {
  const { made, failed, removed } = await api.due()
  console.log(`${made} made, ${failed} failed, ${removed} removed`)
  if (failed > 0) process.exitCode = 1
}

async function listBackups(api: BackupApi, slug: string | undefined): Promise<void> {
  for (const { id, slug: of, class: retention, snapshotAt, expiresAt, bytes } of await api.list(slug))
    console.log(
      [
        id,
        of.padEnd(24),
        snapshotAt?.toISOString(),
        retention.padEnd(7),
        `until ${expiresAt.toISOString().slice(0, 10)}`,
        bytes,
      ].join('  '),
    )
}
