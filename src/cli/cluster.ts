import { resolve } from 'node:path'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { StoreSettings } from '../data/index.ts'
import { defineProblem } from '../kernel/problems.ts'
import { loadSettings } from '../kernel/settings.ts'
import {
  type BackupSettings,
  backup,
  type Cluster,
  type ClusterBackup,
  listClusterBackups,
  openPlace,
  type PitrSettings,
  restoreCluster,
} from '../modules/backup/index.ts'
import type { Environment } from './environment.ts'
import { profileLayer, settingsHere } from './platform.ts'
import { withPlatform } from './tenant.ts'

const isOff = defineProblem({
  code: 'pitr-off',
  status: 409,
  title: 'No backups of the whole cluster are made',
})

/** `surety backup cluster …`: everything, to any point in time. `list` and `restore` need no database. */
export function addClusterCommands(backups: Command): void {
  const group = backups
    .command('cluster')
    .description('the whole database cluster, to any point in time, by pgBackRest')
  group
    .command('now')
    .description('back up what changed since the last time')
    .option('--full', 'everything')
    .action(({ full }: { full?: boolean }) =>
      withCluster(async (cluster) => {
        const kind = full || (await listClusterBackups(cluster.place())).length === 0 ? 'full' : 'incr'
        show(await cluster.backUp(kind, (step) => console.log(pc.dim(step))))
      }),
    )
  group
    .command('list')
    .description('backups in the repository, oldest first')
    .action(async () => {
      for (const one of await listClusterBackups(await placeHere())) show(one)
    })
  group
    .command('check')
    .description("whether the server's log reaches the repository, or what its configuration lacks")
    .action(() => withCluster((cluster) => cluster.check((step) => console.log(`${pc.green('✓')} ${step}`))))
  group
    .command('restore')
    .description('everything as it was at an instant, into an empty folder; what runs is not touched')
    .requiredOption('--to <instant>', 'such as 2026-03-01T12:00:00Z')
    .requiredOption('--into <folder>', 'empty, or not there yet')
    .action(restore)
}

async function restore(options: { to: string; into: string }): Promise<void> {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`.padStart(9)
  const onStep = (step: string) => console.log(pc.dim(`${seconds()}  ${step}`))
  const [to, into] = [new Date(options.to), resolve(options.into)]
  await restoreCluster(await placeHere(), { to, into, keep: true, onStep }, async () => undefined)
  console.log(pc.green(`${into} is the whole cluster as of ${to.toISOString()}`))
}

function show({ label, kind, startedAt, endedAt, bytes }: ClusterBackup): void {
  const seconds = Math.round((endedAt.getTime() - startedAt.getTime()) / 1_000)
  console.log(
    [label.padEnd(34), kind.padEnd(4), endedAt.toISOString(), `${seconds} s`, `${bytes} bytes`].join('  '),
  )
}

const withCluster = (work: (cluster: Cluster) => Promise<void>): Promise<void> =>
  withPlatform(({ api }) => {
    const { cluster } = api(backup)
    if (!cluster) throw isOff('Turn it on by backup.pitr.')
    return work(cluster)
  })

/** What the environment and its profile say of backups of the whole cluster, before anything runs. */
export function pitrIn(environment: Environment): PitrSettings | undefined {
  const own = Object.entries(environment).filter(([name]) => name.startsWith('SURETY_BACKUP__'))
  const profile = { backup: profileLayer(environment).backup ?? {} }
  // What it contradicts is seen when all settings are loaded.
  const alone = { ...backup, needs: {}, contradictions: () => [] }
  return (loadSettings([alone], { environment: Object.fromEntries(own), profile }).backup as BackupSettings)
    .pitr
}

/** Where pgBackRest is according to the settings alone: the database may be what was lost. */
async function placeHere() {
  const tree = await settingsHere()
  const { pitr } = tree.backup as BackupSettings
  if (!pitr) throw isOff('Turn it on by backup.pitr.')
  return openPlace({ ...(tree.stores as StoreSettings), pitr, log: (line) => console.log(pc.dim(line)) })
}
