import { program } from 'commander'
import { printable } from '../kernel/log.ts'
import { Problem } from '../kernel/problems.ts'
import { addBackupCommands } from './backup.ts'
import { addDrillCommand } from './drill.ts'
import { egress } from './egress.ts'
import { superuserUrl } from './environment.ts'
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
import { type VerifyOptions, verify } from './verify.ts'
import { witness } from './witness.ts'
import { work } from './work.ts'

program.name('surety').description('The measures a security page promises, running and proven.')

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
  .command('witness')
  .description('remember logs of others and cosign what continues them (c2sp.org/tlog-witness)')
  .requiredOption('--folder <folder>', 'where it keeps its key and what it saw')
  .requiredOption('--listen <address>', 'unix:<socket> or <host>:<port>')
  .requiredOption('--log-key <files...>', 'verifier keys of the logs, one a file')
  .option('--name <name>', 'a URL without scheme that names it', 'witness.localhost')
  .action(witness)

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
  .command('verify')
  .description('verify a downloaded proof offline, or the whole log that a trust center serves')
  .argument('[file]', 'a proof, as downloaded from a measure')
  .option('--url <url>', 'of a log, such as https://trust.example/log')
  .option('--key <key>', "the log's key, from a source you trust")
  .option('--earlier <file>', 'a checkpoint kept from before: what it signed must still be there')
  .option(
    '--witness-key <key>',
    'of a witness, from a source you trust: it must have cosigned the log lately',
  )
  .option('--witness <address>', 'of that witness, to ask it whether it has seen more than is served')
  .option('--ca <file>', 'certificate authority of the trust center, where it is a local one')
  .action(async (file: string | undefined, options: VerifyOptions) => {
    process.exitCode = await verify(file, options)
  })

program
  .command('database-url')
  .description("the superuser's URL of the private Postgres, for trials by hand")
  .argument('[database]', 'to connect to', 'postgres')
  .action((database: string) => console.log(superuserUrl(database)))

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

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Problem ? `${error.title}: ${error.message}` : printable(error))
  process.exit(1)
})
