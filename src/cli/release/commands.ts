import type { Command } from 'commander'
import { type ActivateOptions, activate, rollBack } from './activate.ts'
import { describe } from './describe.ts'
import { list } from './list.ts'
import { pack } from './pack.ts'

/** `surety release …`: pack, list, activate, rollback, describe. */
export function addReleaseCommands(program: Command): void {
  const release = program
    .command('release')
    .description('releases in folders beside each other, one of which is active')
  release
    .command('pack')
    .description('the commit that is checked out as a folder, with a list of its files')
    .argument('<folder>', 'the release becomes a folder in it, named by its build')
    .action(pack)
  release.command('list').description('the releases beside this one, and the processes that run').action(list)
  activating(release.command('activate'))
    .description('make a release the active one; the one before stays when it does not become ready')
    .argument('<release>', 'its folder, or its name')
    .action((name: string, options: ActivateOptions) => activate(name, options))
  activating(release.command('rollback'))
    .description('make the release that ran before the active one')
    .action((options: ActivateOptions) => rollBack(options))
  release
    .command('describe')
    .description('which build this is and which migrations it knows, as JSON; builds what it needs to start')
    .action(describe)
}

const activating = (command: Command): Command =>
  command
    .option(
      '--restart <command>',
      'what makes the processes start anew, where `surety up` does not keep them',
    )
    .option('--across-migrations', 'also when the databases are ahead of what it knows')
    .option('--offline', 'nothing runs here: only set the link')
