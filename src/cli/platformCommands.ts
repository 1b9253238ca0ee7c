import type { Command } from 'commander'
import { addBackupCommands } from './backup.ts'
import { addDrillCommand } from './drill.ts'
import { egress } from './egress.ts'
import { addKeyCommands } from './keys.ts'
import { addLifecycleCommands } from './lifecycle.ts'
import { migrate } from './migrate.ts'
import { planMove } from './movePlan.ts'
import { addIdentityCommands } from './operator.ts'
import { prove } from './prove.ts'
import { addReleaseCommands } from './release/commands.ts'
import { addRestoreCommand } from './restore.ts'
import { runCommand } from './run.ts'
import { serve } from './serve.ts'
import { addSigningCommands } from './signing.ts'
import { addStaffCommands } from './staff.ts'
import { standIn } from './standIn.ts'
import { createTenant, listTenants } from './tenant.ts'
import { up } from './up.ts'
import { work } from './work.ts'

/** The commands that need the platform. */
export function addPlatformCommands(program: Command): void {
  program
    .command('up')
    .description('boot everything on this machine')
    .option('--app <file>', "the builder's app, such as examples/festival/app.ts")
    .option('--profile <name>', 'settings and claims of a security page, such as sole-operator')
    .action(up)
  program.command('serve').description('answer HTTP').action(serve)
  program
    .command('work')
    .description('run jobs, and probes on schedule')
    .option('--jobs-only', 'leave the probes to another process')
    .action(work)
  program.command('egress').description('let connections out, to sub-processors alone').action(egress)

  program
    .command('migrate')
    .description('bring roles, databases and schemas to what this release needs')
    .action(migrate)

  program.command('stand-in').description('stand in for Mollie, for demonstrations').action(standIn)

  program
    .command('prove')
    .description('run the probes now; exit code 1 when one is red')
    .option('--measure <key>', 'only this one')
    .option('--profile <name>', 'only what this security page claims')
    .option('--json', 'print the public answer')
    .action(async (options: { measure?: string; profile?: string; json?: boolean }) => {
      process.exitCode = await prove(options)
    })

  program
    .command('run')
    .description('run a command of a module; without a name, list them')
    .argument('[command]')
    .argument('[arguments...]')
    .action(runCommand)

  const tenant = program.command('tenant').description('tenants of this deployment')
  tenant.command('list').description('every tenant').action(listTenants)
  tenant
    .command('create')
    .description('make a tenant')
    .argument('<slug>')
    .option('--name <name>', 'display name')
    .requiredOption('--model <model>', 'database or rows')
    .action(createTenant)

  tenant
    .command('move-plan')
    .description('what moving a tenant to the other isolation model takes; changes nothing')
    .argument('<slug>')
    .action(planMove)

  addLifecycleCommands(tenant)
  addIdentityCommands(program)
  addStaffCommands(program)
  addKeyCommands(program)
  addSigningCommands(program)
  addBackupCommands(program)
  addRestoreCommand(program)
  addDrillCommand(program)
  addReleaseCommands(program)
}
