import type { Command } from 'commander'
import { defineProblem } from '../kernel/problems.ts'
import { type BackupApi, type BackupSettings, backup, readPlan } from '../modules/backup/index.ts'
import { addClusterCommands } from './cluster.ts'
import { settingsHere } from './platform.ts'
import { withPlatform } from './tenant.ts'

const noOwner = defineProblem({ code: 'plan-owner', status: 409, title: 'Nobody answers for the plan' })

/** `surety backup …`: make, list, the plan for a disaster, the whole cluster. */
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
  group
    .command('plan')
    .description('the plan for a disaster with what the settings say in it: keep a print of it elsewhere')
    .action(printPlan)
  addClusterCommands(group)
}

const withBackups = (work: (api: BackupApi) => Promise<void>) =>
  withPlatform((platform) => work(platform.api(backup)))

async function printPlan(): Promise<void> {
  const settings = (await settingsHere()).backup as BackupSettings
  if (!settings.plan) throw noOwner('Name owner, contact and the day of the last review by backup.plan.')
  console.log(await readPlan(settings, settings.plan))
}

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
